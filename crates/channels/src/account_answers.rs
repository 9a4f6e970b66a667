use secrecy::SecretString;
use whatsapp::GraphError;

use crate::{AccountApi, AccountApiError, BusinessAccountFacts, NumberFacts, TokenFacts, WhatsAppAccount};

/// What Meta said of an account and a token.
#[derive(Clone, Debug)]
pub struct AccountAnswers {
    pub(crate) token: Answer<TokenFacts>,
    pub(crate) number: Answer<NumberFacts>,
    /// Meta's ids of the business account's numbers.
    pub(crate) numbers: Answer<Vec<String>>,
    pub(crate) business_account: Answer<BusinessAccountFacts>,
    pub(crate) subscribed_apps: Answer<Vec<String>>,
}

/// What Meta said to one question.
#[derive(Clone, Debug)]
pub(crate) enum Answer<T> {
    Known(T),
    /// An explicit no.
    Refused(Box<GraphError>),
    /// Meta did not answer, or is busy: nothing is known.
    Silent(String),
}

impl AccountAnswers {
    /// Asks Meta, one question after the other. After a question that stays without an answer no further one is asked, so that the
    /// caller waits once.
    pub async fn ask(api: &dyn AccountApi, account: &WhatsAppAccount, token: &SecretString) -> Self {
        let (number, waba) = (&account.phone_number_id, &account.waba_id);
        let token_answer = Answer::of(api.token(token).await);
        let number = match token_answer.silence() {
            Some(reason) => Answer::Silent(reason),
            None => Answer::of(api.number(token, number).await),
        };
        let numbers = match number.silence() {
            Some(reason) => Answer::Silent(reason),
            None => Answer::of(api.numbers(token, waba).await),
        };
        let business_account = match numbers.silence() {
            Some(reason) => Answer::Silent(reason),
            None => Answer::of(api.business_account(token, waba).await),
        };
        let subscribed_apps = match business_account.silence() {
            Some(reason) => Answer::Silent(reason),
            None => Answer::of(api.subscribed_apps(token, waba).await),
        };
        Self { token: token_answer, number, numbers, business_account, subscribed_apps }
    }
}

impl<T> Answer<T> {
    fn of(result: Result<T, AccountApiError>) -> Self {
        match result {
            Ok(value) => Self::Known(value),
            Err(AccountApiError::Silent(reason)) => Self::Silent(reason),
            Err(AccountApiError::Refused(error)) if is_explicit(&error) => Self::Refused(error),
            Err(AccountApiError::Refused(error)) => Self::Silent(words(&error)),
        }
    }

    pub(crate) const fn refusal(&self) -> Option<&GraphError> {
        match self {
            Self::Refused(error) => Some(error),
            _ => None,
        }
    }

    pub(crate) fn silence(&self) -> Option<String> {
        match self {
            Self::Silent(reason) => Some(reason.clone()),
            _ => None,
        }
    }
}

/// What Meta said, for people.
pub(crate) fn words(error: &GraphError) -> String {
    let said = error.user_message.as_ref().or(error.details.as_ref()).unwrap_or(&error.title);
    match error.code {
        Some(code) => format!("{said} (code {code})"),
        None => said.clone(),
    }
}

/// Whether the error says something about token, number or business account. Errors of Meta's own, and limits of its API, do not.
fn is_explicit(error: &GraphError) -> bool {
    // Limits of an app, a user, a page, a business account and a number; see "Rate Limits" in the Graph API's documentation.
    const BUSY: [i64; 12] = [1, 2, 4, 17, 32, 341, 613, 80_007, 80_008, 130_429, 131_000, 131_016];
    let is_busy = error.code.is_none_or(|code| BUSY.contains(&code));
    !is_busy && !matches!(error.http_status, Some(429 | 500..))
}

/// Whether the error says that the token is invalid or may not see what it asked for. Others, such as one about a field that a
/// version of the API does not have, say nothing about the account.
pub(crate) fn denies_access(error: &GraphError) -> bool {
    match error.code {
        Some(100) => error.subcode == Some(33),
        Some(code) => matches!(code, 0 | 3 | 10 | 33 | 102 | 190 | 200..=299 | 368 | 803 | 131_005 | 131_031 | 133_010),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: Option<i64>, http_status: u16) -> GraphError {
        GraphError { code, http_status: Some(http_status), title: "no".to_owned(), ..GraphError::default() }
    }

    #[test]
    fn only_explicit_errors_are_refusals() {
        for (code, status) in [(190, 401), (100, 400), (10, 403), (200, 403), (133_010, 400)] {
            assert!(is_explicit(&error(Some(code), status)), "{code}");
        }
        for (code, status) in [(1, 400), (2, 503), (4, 400), (80_007, 400), (190, 500), (100, 429), (999, 502)] {
            assert!(!is_explicit(&error(Some(code), status)), "{code} {status}");
        }
        assert!(!is_explicit(&error(None, 400)));
    }

    #[test]
    fn words_prefer_what_meta_wrote_for_people() {
        let title = error(Some(100), 400);
        assert_eq!(words(&title), "no (code 100)");
        let details = GraphError { details: Some("bad id".to_owned()), ..title };
        assert_eq!(words(&details), "bad id (code 100)");
        let message = GraphError { user_message: Some("Please".to_owned()), ..details };
        assert_eq!(words(&message), "Please (code 100)");
    }
}
