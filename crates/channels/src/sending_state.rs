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
}

impl SendingState {
    /// The state that follows from the facts about token and registration. Pauses that a refusal of Meta's started while something
    /// was sent are stored elsewhere and are to be merged here: after the token, before the registration.
    #[must_use]
    pub fn of(facts: &SendingFacts) -> Self {
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
        if facts.is_registered == Some(false) { Self::NotRegistered } else { Self::Ready }
    }

    /// For people; `None` if nothing is wrong.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Ready => None,
            Self::NoToken => Some("The account has no access token."),
            Self::NotRegistered => Some("Meta says that the number is not registered."),
            Self::Paused { reason, .. } => Some(reason),
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
            Self::Paused { advice, .. } => Some(advice),
        }
    }

    /// When it ends by itself.
    #[must_use]
    pub const fn until(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Paused { until, .. } => *until,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_follows_token_then_registration() {
        let with_token = SendingFacts { has_token: true, ..SendingFacts::default() };
        let not_registered = SendingFacts { is_registered: Some(false), ..with_token.clone() };
        let refused = SendingFacts { token_refusal: Some("expired".to_owned()), ..not_registered.clone() };
        assert_eq!(SendingState::of(&SendingFacts::default()), SendingState::NoToken);
        assert_eq!(SendingState::of(&with_token), SendingState::Ready);
        assert_eq!(SendingState::of(&not_registered), SendingState::NotRegistered);
        let paused = SendingState::of(&refused);
        assert!(matches!(paused, SendingState::Paused { until: None, .. }), "{paused:?}");
        assert!(paused.reason().unwrap().contains("expired"), "{paused:?}");
    }

    #[test]
    fn every_state_but_ready_has_reason_and_advice() {
        for state in [SendingState::NoToken, SendingState::NotRegistered] {
            assert!(state.reason().is_some() && state.advice().is_some(), "{state:?}");
        }
        assert_eq!((SendingState::Ready.reason(), SendingState::Ready.advice()), (None, None));
    }
}
