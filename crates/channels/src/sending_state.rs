use chrono::{DateTime, Utc};

/// What decides whether an account can send. Only explicit answers of Meta change it, never its silence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendingFacts {
    pub has_token: bool,
    /// Why Meta refused the token when it was last used; `None` if it did not.
    pub token_refusal: Option<String>,
    pub token_expires_at: Option<DateTime<Utc>>,
    /// Whether the number is registered with Meta's Cloud API; `None` if Meta has not said.
    pub is_registered: Option<bool>,
    /// What refusals of Meta's stopped while something was sent; also what has ended.
    pub pauses: Vec<AccountPause>,
}

/// A refusal of Meta's that stops what an account sends, or some of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountPause {
    pub reason: String,
    pub advice: String,
    /// `None`: until a check or a person ends it.
    pub until: Option<DateTime<Utc>>,
    /// Whether nothing is sent; else only some messages wait, such as those that Meta charges for.
    pub stops_all: bool,
}

impl AccountPause {
    fn is_active(&self, now: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

/// Whether an account can send, why not, and what people can do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendingState {
    Ready,
    /// Nothing can be sent until a token is entered.
    NoToken,
    /// Nothing can be sent until the number is registered.
    NotRegistered,
    /// What is to be sent waits.
    Paused {
        reason: String,
        /// When the pause ends by itself; `None` if people must do something.
        until: Option<DateTime<Utc>>,
        advice: String,
    },
    /// Only some messages wait, such as those that Meta charges for.
    Limited {
        reason: String,
        until: Option<DateTime<Utc>>,
        advice: String,
    },
}

impl SendingState {
    /// The state that follows from the facts. A token that Meta refused counts more than other pauses, as nothing else can be known
    /// before there is another one; of several pauses, the one that lasts longest counts.
    #[must_use]
    pub fn of(facts: &SendingFacts, now: DateTime<Utc>) -> Self {
        if !facts.has_token {
            return Self::NoToken;
        }
        if let Some(refusal) = &facts.token_refusal {
            return Self::Paused {
                reason: format!("Meta refused the access token: {refusal}"),
                until: None,
                advice: "Enter a new access token of a system user that may use this number and its business account."
                    .to_owned(),
            };
        }
        let longest = |stops_all: bool| {
            let active = facts.pauses.iter().filter(|pause| pause.stops_all == stops_all && pause.is_active(now));
            active.max_by_key(|pause| pause.until.unwrap_or(DateTime::<Utc>::MAX_UTC)).cloned()
        };
        if let Some(AccountPause { reason, until, advice, .. }) = longest(true) {
            return Self::Paused { reason, until, advice };
        }
        if facts.is_registered == Some(false) {
            return Self::NotRegistered;
        }
        match longest(false) {
            Some(AccountPause { reason, until, advice, .. }) => Self::Limited { reason, until, advice },
            None => Self::Ready,
        }
    }

    /// For people; `None` if nothing is wrong.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Ready => None,
            Self::NoToken => Some("The account has no access token."),
            Self::NotRegistered => Some("Meta says that the number is not registered."),
            Self::Paused { reason, .. } | Self::Limited { reason, .. } => Some(reason),
        }
    }

    /// What people can do; `None` if nothing is wrong.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        match self {
            Self::Ready => None,
            Self::NoToken => Some("Enter the access token of a system user that may use this number."),
            Self::NotRegistered => Some(
                "Register the number with Meta, with the PIN of its two-step verification, then check the account.",
            ),
            Self::Paused { advice, .. } | Self::Limited { advice, .. } => Some(advice),
        }
    }

    /// When it ends by itself.
    #[must_use]
    pub const fn until(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Paused { until, .. } | Self::Limited { until, .. } => *until,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn state_follows_token_then_registration() {
        let of = |facts: &SendingFacts| SendingState::of(facts, at(0));
        let with_token = SendingFacts { has_token: true, ..SendingFacts::default() };
        let not_registered = SendingFacts { is_registered: Some(false), ..with_token.clone() };
        let refused = SendingFacts { token_refusal: Some("expired".to_owned()), ..not_registered.clone() };
        assert_eq!(of(&SendingFacts::default()), SendingState::NoToken);
        assert_eq!(of(&with_token), SendingState::Ready);
        assert_eq!(of(&not_registered), SendingState::NotRegistered);
        let paused = of(&refused);
        assert!(matches!(paused, SendingState::Paused { until: None, .. }), "{paused:?}");
        assert!(paused.reason().unwrap().contains("expired"), "{paused:?}");
    }

    #[test]
    fn longest_active_pause_counts() {
        let pause = |reason: &str, until: Option<i64>, stops_all| AccountPause {
            reason: reason.to_owned(),
            advice: "advice".to_owned(),
            until: until.map(at),
            stops_all,
        };
        let state = |pauses: Vec<AccountPause>, is_registered| {
            let facts = SendingFacts { has_token: true, is_registered, pauses, ..SendingFacts::default() };
            SendingState::of(&facts, at(10))
        };
        let both = vec![pause("short", Some(20), true), pause("long", Some(30), true), pause("some", None, false)];
        let shown = state(both, Some(false));
        assert!(matches!(&shown, SendingState::Paused { reason, .. } if reason == "long"), "{shown:?}");
        assert_eq!(shown.until(), Some(at(30)));
        assert_eq!(state(vec![pause("over", Some(10), true)], None), SendingState::Ready);
        assert_eq!(state(vec![pause("some", None, false)], Some(false)), SendingState::NotRegistered);
        let limited = state(vec![pause("some", None, false)], Some(true));
        assert!(matches!(limited, SendingState::Limited { .. }), "{limited:?}");
        assert_eq!((limited.reason(), limited.advice()), (Some("some"), Some("advice")));
    }

    #[test]
    fn every_state_but_ready_has_reason_and_advice() {
        for state in [SendingState::NoToken, SendingState::NotRegistered] {
            assert!(state.reason().is_some() && state.advice().is_some(), "{state:?}");
        }
        assert_eq!((SendingState::Ready.reason(), SendingState::Ready.advice()), (None, None));
    }
}
