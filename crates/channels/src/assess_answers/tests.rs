use std::sync::Mutex;

use async_trait::async_trait;
use chrono::TimeDelta;
use kernel::ManualClock;
use secrecy::SecretString;
use whatsapp::{GraphError, MetaAppKey};

use super::*;
use crate::{AccountApi, AccountApiError, BusinessAccountFacts, MetaId, NewAccount, NumberFacts, TokenFacts};

/// Meta, with what it answers.
struct FakeMeta {
    token: Result<TokenFacts, AccountApiError>,
    number: Result<NumberFacts, AccountApiError>,
    numbers: Result<Vec<String>, AccountApiError>,
    business_account: Result<BusinessAccountFacts, AccountApiError>,
    subscribed_apps: Result<Vec<String>, AccountApiError>,
    calls: Mutex<usize>,
}

impl FakeMeta {
    fn count(&self) {
        *self.calls.lock().unwrap() += 1;
    }
}

/// Nothing is wrong.
fn meta() -> FakeMeta {
    let scopes = [MESSAGING, MANAGEMENT].map(str::to_owned).to_vec();
    FakeMeta {
        token: Ok(TokenFacts {
            is_valid: true,
            error: None,
            expires_at: None,
            scopes,
            waba_ids: Some(vec!["900".to_owned()]),
            app_id: Some("7".to_owned()),
        }),
        number: Ok(NumberFacts {
            id: "100".to_owned(),
            is_registered: Some(true),
            name_status: Some("APPROVED".to_owned()),
            quality: Some("GREEN".to_owned()),
            throughput: Some("STANDARD".to_owned()),
        }),
        numbers: Ok(vec!["99".to_owned(), "100".to_owned()]),
        business_account: Ok(BusinessAccountFacts { status: Some("AVAILABLE".to_owned()) }),
        subscribed_apps: Ok(vec!["7".to_owned()]),
        calls: Mutex::default(),
    }
}

#[async_trait]
impl AccountApi for FakeMeta {
    async fn token(&self, _: &SecretString) -> Result<TokenFacts, AccountApiError> {
        self.count();
        self.token.clone()
    }

    async fn number(&self, _: &SecretString, _: &MetaId) -> Result<NumberFacts, AccountApiError> {
        self.count();
        self.number.clone()
    }

    async fn numbers(&self, _: &SecretString, _: &MetaId) -> Result<Vec<String>, AccountApiError> {
        self.count();
        self.numbers.clone()
    }

    async fn business_account(&self, _: &SecretString, _: &MetaId) -> Result<BusinessAccountFacts, AccountApiError> {
        self.count();
        self.business_account.clone()
    }

    async fn subscribed_apps(&self, _: &SecretString, _: &MetaId) -> Result<Vec<String>, AccountApiError> {
        self.count();
        self.subscribed_apps.clone()
    }
}

fn account() -> WhatsAppAccount {
    let id = |text| MetaId::parse(text).unwrap();
    let new = NewAccount {
        app: MetaAppKey::deployment(),
        phone_number_id: id("100"),
        waba_id: id("900"),
        display_phone_number: None,
        name: None,
    };
    new.into_account(true, &ManualClock::starting_at(now()))
}

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn ask(meta: &FakeMeta) -> AccountAnswers {
    let token = SecretString::from("EAA");
    let (account, mut context) = (account(), std::task::Context::from_waker(std::task::Waker::noop()));
    let mut future = std::pin::pin!(AccountAnswers::ask(meta, &account, &token));
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(answers) => answers,
        std::task::Poll::Pending => panic!("the fake answers at once"),
    }
}

fn refused<T>(code: i64) -> Result<T, AccountApiError> {
    let error =
        GraphError { http_status: Some(400), code: Some(code), title: "No.".to_owned(), ..GraphError::default() };
    Err(AccountApiError::Refused(Box::new(error)))
}

fn silent<T>() -> Result<T, AccountApiError> {
    Err(AccountApiError::Silent("timeout".to_owned()))
}

/// The texts of all problems.
fn problems(meta: &FakeMeta) -> Vec<String> {
    let check = ask(meta).check(&account(), now());
    assert!(check.problems.iter().all(|problem| !problem.advice.is_empty()));
    check.problems.into_iter().map(|problem| problem.what).collect()
}

fn reason(meta: &FakeMeta) -> String {
    match ask(meta).refusal(&account()) {
        Some(TokenRefusal::Refused(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn healthy_account_has_no_problems() {
    let answers = ask(&meta());
    let check = answers.check(&account(), now());
    assert_eq!(check.problems, []);
    assert_eq!(
        (check.token.valid, check.number.registered, check.account.subscribed),
        (Some(true), Some(true), Some(true))
    );
    assert_eq!(answers.refusal(&account()), None);
    let expected = CheckedFacts { token: Some(CheckedToken::Usable { expires_at: None }), is_registered: Some(true) };
    assert_eq!(answers.facts(&account()), expected);
}

#[test]
fn token_that_meta_refuses_is_refused_in_its_words() {
    let mut invalid = meta();
    let token = invalid.token.as_mut().unwrap();
    (token.is_valid, token.error) = (false, Some("Session has expired".to_owned()));
    assert_eq!(reason(&invalid), "Session has expired");
    assert_eq!(problems(&invalid), ["Meta refused the access token: Session has expired"]);
    assert_eq!(reason(&FakeMeta { token: refused(190), ..meta() }), "No. (code 190)");
}

#[test]
fn token_of_another_number_or_account_is_refused() {
    let unreachable = FakeMeta { number: refused(100), ..meta() };
    assert_eq!(reason(&unreachable), "The token does not reach the number: No. (code 100)");
    let elsewhere = FakeMeta { numbers: Ok(vec!["99".to_owned()]), ..meta() };
    assert_eq!(reason(&elsewhere), "The business account does not have this number.");
    let forbidden = FakeMeta { numbers: refused(200), ..meta() };
    assert_eq!(reason(&forbidden), "The token does not reach the business account: No. (code 200)");
    let mut foreign = meta();
    foreign.token.as_mut().unwrap().waba_ids = Some(vec!["901".to_owned()]);
    assert_eq!(reason(&foreign), "The token was not granted for this business account.");
}

#[test]
fn silence_changes_no_facts_and_is_asked_once() {
    let busy = Err(AccountApiError::Refused(Box::new(GraphError { code: Some(4), ..GraphError::default() })));
    for (meta, calls) in [
        (FakeMeta { token: silent(), ..meta() }, 1),
        (FakeMeta { token: busy, ..meta() }, 1),
        (FakeMeta { number: silent(), ..meta() }, 2),
    ] {
        let answers = ask(&meta);
        assert_eq!(*meta.calls.lock().unwrap(), calls);
        assert_eq!(answers.facts(&account()), CheckedFacts::default());
        assert!(matches!(answers.refusal(&account()), Some(TokenRefusal::Silent(_))));
    }
    let unconfirmed = FakeMeta { numbers: silent(), ..meta() };
    assert!(matches!(ask(&unconfirmed).refusal(&account()), Some(TokenRefusal::Silent(_))));
}

#[test]
fn error_that_denies_no_access_changes_no_facts() {
    // A field that the version of the API does not have.
    let unknown_field = FakeMeta { number: refused(100), ..meta() };
    assert_eq!(ask(&unknown_field).facts(&account()), CheckedFacts::default());
    assert_eq!(reason(&unknown_field), "The token does not reach the number: No. (code 100)");
    let forbidden = FakeMeta { number: refused(200), ..meta() };
    assert!(matches!(ask(&forbidden).facts(&account()).token, Some(CheckedToken::Refused(_))));
}

#[test]
fn each_fault_of_a_usable_account_is_a_problem() {
    let mut ending = meta();
    ending.token.as_mut().unwrap().expires_at = Some(now() + TimeDelta::days(6));
    assert_eq!(problems(&ending), ["The access token ends at 2024-10-10T00:00:00Z."]);
    ending.token.as_mut().unwrap().expires_at = Some(now() + TimeDelta::days(8));
    assert_eq!(problems(&ending), [""; 0]);

    let mut narrow = meta();
    narrow.token.as_mut().unwrap().scopes.pop();
    assert_eq!(problems(&narrow), ["The access token lacks the permission whatsapp_business_management."]);

    let mut number = meta();
    let facts = number.number.as_mut().unwrap();
    facts.is_registered = Some(false);
    (facts.name_status, facts.quality) = (Some("DECLINED".to_owned()), Some("RED".to_owned()));
    assert_eq!(problems(&number).len(), 3);
    assert_eq!(ask(&number).facts(&account()).is_registered, Some(false));

    let blocked = FakeMeta {
        business_account: Ok(BusinessAccountFacts { status: Some("BLOCKED".to_owned()) }),
        subscribed_apps: Ok(vec!["8".to_owned()]),
        ..meta()
    };
    assert_eq!(problems(&blocked).len(), 2);
}
