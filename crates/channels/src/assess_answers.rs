//! What Meta's answers about an account mean.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::account_answers::{AccountAnswers, Answer, denies_access, words};
use crate::{
    AccountCheck, BusinessAccountCheck, CheckProblem, CheckedFacts, CheckedToken, NumberCheck, NumberFacts,
    TOKEN_WARNING, TokenCheck, TokenFacts, TokenRefusal, WhatsAppAccount,
};

const MESSAGING: &str = "whatsapp_business_messaging";
const MANAGEMENT: &str = "whatsapp_business_management";

impl AccountAnswers {
    /// Why the token may not be used for the account; `None` if it may. A token must be valid and reach the number and the business
    /// account, which must have the number: otherwise a tenant could send for another's number.
    #[must_use]
    pub fn refusal(&self, account: &WhatsAppAccount) -> Option<TokenRefusal> {
        match self.token_facts(account) {
            Some(CheckedToken::Refused(reason)) => return Some(TokenRefusal::Refused(reason)),
            Some(CheckedToken::Usable { .. }) => {}
            None => return Some(TokenRefusal::Silent(self.silence())),
        }
        match &self.numbers {
            Answer::Known(ids) if ids.iter().any(|id| id == account.phone_number_id.as_str()) => None,
            Answer::Known(_) => {
                Some(TokenRefusal::Refused("The business account does not have this number.".to_owned()))
            }
            Answer::Refused(error) => {
                Some(TokenRefusal::Refused(format!("The token does not reach the business account: {}", words(error))))
            }
            Answer::Silent(reason) => Some(TokenRefusal::Silent(reason.clone())),
        }
    }

    /// What is known now. An error that does not deny the token access changes nothing.
    #[must_use]
    pub fn facts(&self, account: &WhatsAppAccount) -> CheckedFacts {
        let mut refusals = self.token.refusal().into_iter().chain(self.number.refusal());
        let says_of_token = refusals.all(denies_access);
        let is_registered = match &self.number {
            Answer::Known(number) => number.is_registered,
            _ => None,
        };
        CheckedFacts { token: self.token_facts(account).filter(|_| says_of_token), is_registered }
    }

    /// `None`: Meta said nothing of the token, or nothing of the number.
    fn token_facts(&self, account: &WhatsAppAccount) -> Option<CheckedToken> {
        let refused = |reason: String| Some(CheckedToken::Refused(reason));
        let token = match &self.token {
            Answer::Known(token) => token,
            Answer::Refused(error) => return refused(words(error)),
            Answer::Silent(_) => return None,
        };
        if !token.is_valid {
            return refused(token.error.clone().unwrap_or_else(|| "The token is not valid.".to_owned()));
        }
        if token.waba_ids.as_ref().is_some_and(|ids| ids.iter().all(|id| id != account.waba_id.as_str())) {
            return refused("The token was not granted for this business account.".to_owned());
        }
        match &self.number {
            Answer::Known(number) if number.id == account.phone_number_id.as_str() => {
                Some(CheckedToken::Usable { expires_at: token.expires_at })
            }
            Answer::Known(_) => refused("Meta showed another number.".to_owned()),
            Answer::Refused(error) => refused(format!("The token does not reach the number: {}", words(error))),
            Answer::Silent(_) => None,
        }
    }

    /// Why Meta did not answer; empty if it answered all.
    fn silence(&self) -> String {
        self.token.silence().or_else(|| self.number.silence()).or_else(|| self.numbers.silence()).unwrap_or_default()
    }

    /// Whether Meta did not even say whether the token is valid.
    #[must_use]
    pub fn unanswered(&self) -> Option<String> {
        self.token.silence()
    }

    /// What Meta said, for people.
    #[must_use]
    pub fn check(&self, account: &WhatsAppAccount, now: DateTime<Utc>) -> AccountCheck {
        let mut problems = Problems::default();
        let token = self.check_token(account, now, &mut problems);
        let number = self.check_number(&mut problems);
        let business_account = self.check_business_account(account, &mut problems);
        AccountCheck { checked_at: now, token, number, account: business_account, problems: problems.0 }
    }

    fn check_token(&self, account: &WhatsAppAccount, now: DateTime<Utc>, problems: &mut Problems) -> TokenCheck {
        match self.token_facts(account) {
            Some(CheckedToken::Refused(reason)) => problems.add(
                format!("Meta refused the access token: {reason}"),
                "Enter a new access token of a system user that may use this number and its business account.",
            ),
            Some(CheckedToken::Usable { expires_at: Some(ends) }) if ends - now < TOKEN_WARNING => problems.add(
                format!("The access token ends at {}.", ends.to_rfc3339_opts(SecondsFormat::Secs, true)),
                "Make a new token before then; one of a system user can be made so that it does not end.",
            ),
            Some(CheckedToken::Usable { .. }) | None => {}
        }
        match &self.token {
            Answer::Known(token) => {
                problems.missing_scopes(token);
                TokenCheck { valid: Some(token.is_valid), expires_at: token.expires_at, scopes: token.scopes.clone() }
            }
            Answer::Refused(_) => TokenCheck { valid: Some(false), ..TokenCheck::default() },
            Answer::Silent(reason) => {
                problems.silent("the access token", reason);
                TokenCheck::default()
            }
        }
    }

    fn check_number(&self, problems: &mut Problems) -> NumberCheck {
        match &self.number {
            Answer::Known(number) => {
                problems.of_number(number);
                NumberCheck {
                    registered: number.is_registered,
                    name_status: number.name_status.clone(),
                    quality: number.quality.clone(),
                    throughput: number.throughput.clone(),
                }
            }
            // A refusal is a problem of the token.
            Answer::Refused(_) => NumberCheck::default(),
            Answer::Silent(reason) => {
                problems.silent("the number", reason);
                NumberCheck::default()
            }
        }
    }

    fn check_business_account(&self, account: &WhatsAppAccount, problems: &mut Problems) -> BusinessAccountCheck {
        match &self.numbers {
            Answer::Known(ids) if ids.iter().all(|id| id != account.phone_number_id.as_str()) => problems.add(
                "The business account does not have this number.",
                "Connect the number with the id of the business account that has it.",
            ),
            Answer::Refused(error) => problems.add(
                format!("The token does not reach the business account: {}", words(error)),
                "Give the token's system user access to the business account.",
            ),
            Answer::Known(_) | Answer::Silent(_) => {}
        }
        let status = match &self.business_account {
            Answer::Known(facts) => facts.status.clone(),
            Answer::Refused(_) => None,
            Answer::Silent(reason) => {
                problems.silent("the business account", reason);
                None
            }
        };
        if let Some(status) = status.as_deref().filter(|status| !matches!(*status, "AVAILABLE" | "APPROVED")) {
            problems.add(
                format!("Meta says that the business account is {status}."),
                "Look at the account in Meta's WhatsApp Manager.",
            );
        }
        let app = match &self.token {
            Answer::Known(token) => token.app_id.as_deref(),
            _ => None,
        };
        let subscribed = match (&self.subscribed_apps, app) {
            (Answer::Known(apps), Some(app)) => Some(apps.iter().any(|id| id == app)),
            (Answer::Known(apps), None) => Some(!apps.is_empty()),
            _ => None,
        };
        if subscribed == Some(false) {
            problems.add(
                "The token's app does not get the webhooks of the business account: messages and their statuses do not arrive.",
                "Subscribe the app to the business account with Meta (POST /<business account>/subscribed_apps).",
            );
        }
        BusinessAccountCheck { status, subscribed }
    }
}

#[derive(Default)]
struct Problems(Vec<CheckProblem>);

impl Problems {
    fn add(&mut self, what: impl Into<String>, advice: &str) {
        self.0.push(CheckProblem { what: what.into(), advice: advice.to_owned() });
    }

    fn silent(&mut self, about: &str, reason: &str) {
        self.add(format!("Meta did not say anything about {about}: {reason}"), "Check again later.");
    }

    fn missing_scopes(&mut self, token: &TokenFacts) {
        for scope in [MESSAGING, MANAGEMENT].into_iter().filter(|_| token.is_valid) {
            if token.scopes.iter().all(|granted| granted != scope) {
                self.add(
                    format!("The access token lacks the permission {scope}."),
                    "Make a token with this permission.",
                );
            }
        }
    }

    fn of_number(&mut self, number: &NumberFacts) {
        if number.is_registered == Some(false) {
            self.add(
                "The number is not registered.",
                "Register the number with Meta, with the PIN of its two-step verification.",
            );
        }
        if let Some(status @ ("DECLINED" | "EXPIRED")) = number.name_status.as_deref() {
            self.add(
                format!("Meta says that the display name of the number is {status}."),
                "Enter another display name in Meta's WhatsApp Manager.",
            );
        }
        if number.quality.as_deref() == Some("RED") {
            self.add(
                "Customers block or report the messages of the number: Meta rates its quality RED.",
                "Send fewer messages that customers did not ask for; Meta may limit the number.",
            );
        }
    }
}

#[cfg(test)]
mod tests;
