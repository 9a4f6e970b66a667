use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// What Meta said of an account, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCheck {
    pub checked_at: DateTime<Utc>,
    pub token: TokenCheck,
    pub number: NumberCheck,
    pub account: BusinessAccountCheck,
    pub problems: Vec<CheckProblem>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCheck {
    /// `None`: Meta did not answer.
    pub valid: Option<bool>,
    /// `None`: never, or not known.
    pub expires_at: Option<DateTime<Utc>>,
    pub scopes: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberCheck {
    pub registered: Option<bool>,
    pub name_status: Option<String>,
    pub quality: Option<String>,
    /// Meta's level, such as `STANDARD`.
    pub throughput: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusinessAccountCheck {
    pub status: Option<String>,
    /// Whether the token's app gets its webhooks.
    pub subscribed: Option<bool>,
}

/// Something that is wrong, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckProblem {
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

impl AccountCheck {
    /// Of an account that Meta cannot be asked about.
    #[must_use]
    pub fn without_token(now: DateTime<Utc>) -> Self {
        let problem = CheckProblem {
            what: "The account has no access token.".to_owned(),
            advice: "Enter the access token of a system user that may use this number.".to_owned(),
        };
        Self {
            checked_at: now,
            token: TokenCheck { valid: Some(false), ..TokenCheck::default() },
            number: NumberCheck::default(),
            account: BusinessAccountCheck::default(),
            problems: vec![problem],
        }
    }
}

/// What a check changes of the account's [`SendingFacts`](crate::SendingFacts). `None`: Meta did not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckedFacts {
    pub token: Option<CheckedToken>,
    pub is_registered: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckedToken {
    /// It is valid and reaches the number.
    Usable { expires_at: Option<DateTime<Utc>> },
    /// In Meta's words.
    Refused(String),
}

/// Why a token is not accepted for an account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// Meta says that it is invalid, or does not reach number and business account.
    #[error("{0}")]
    Refused(String),
    /// Whether it is valid is not known.
    #[error("Meta did not answer: {0}")]
    Silent(String),
}

/// A token that ends sooner is a problem.
pub const TOKEN_WARNING: TimeDelta = TimeDelta::days(7);
