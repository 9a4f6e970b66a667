use std::fmt;
use std::str::FromStr;

use crate::{Money, MoneyError};

/// A plan that a tenant can subscribe to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub code: PlanCode,
    pub name: PlanName,
    pub terms: Terms,
}

/// A plan in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub plan: Plan,
    /// Whether tenants can choose it. Tenants on an unavailable plan keep it.
    pub available: bool,
}

/// The identifier of a plan in the API: 1 to 40 of `a-z`, `0-9`, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlanCode(String);

/// The display name of a plan: 1 to 80 characters, without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanName(String);

/// The prices of a plan, in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    monthly_price: Money,
    included_messages: u64,
    message_price: Money,
}

/// Why a plan is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlan {
    #[error("a code has 1 to 40 lower-case letters, digits, hyphens and underscores")]
    Code,
    #[error("a name has 1 to 80 characters and no control characters")]
    Name,
    #[error("both prices are in one currency")]
    MixedCurrencies,
    #[error("a price is from 0 to {} minor units", Terms::MAX_PRICE_MINOR)]
    Price,
    #[error("from 0 to {} messages are included", Terms::MAX_INCLUDED)]
    Included,
    #[error("a trial costs nothing")]
    TrialCosts,
}

impl Plan {
    /// # Errors
    /// [`InvalidPlan::TrialCosts`].
    pub fn new(code: PlanCode, name: PlanName, terms: Terms) -> Result<Self, InvalidPlan> {
        if code.is_trial() && !(terms.monthly_price.is_zero() && terms.message_price.is_zero()) {
            return Err(InvalidPlan::TrialCosts);
        }
        Ok(Self { code, name, terms })
    }
}

impl PlanCode {
    /// The plan of every new tenant. It cannot be chosen later.
    #[must_use]
    pub fn trial() -> Self {
        Self("trial".to_owned())
    }

    #[must_use]
    pub fn is_trial(&self) -> bool {
        self.0 == "trial"
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PlanCode {
    type Err = InvalidPlan;

    fn from_str(text: &str) -> Result<Self, InvalidPlan> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
        let fits = (1..=40).contains(&text.len()) && text.bytes().all(plain);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidPlan::Code) }
    }
}

impl fmt::Display for PlanCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PlanName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PlanName {
    type Err = InvalidPlan;

    fn from_str(text: &str) -> Result<Self, InvalidPlan> {
        let text = text.trim();
        let fits = (1..=80).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidPlan::Name) }
    }
}

impl Terms {
    /// Small enough that the total of a period does not overflow in practice.
    pub const MAX_PRICE_MINOR: i64 = 1_000_000_000;
    pub const MAX_INCLUDED: u64 = 1_000_000_000;

    /// The monthly price, the number of inbound messages included in it, and the price of each further message.
    ///
    /// # Errors
    /// [`InvalidPlan`].
    pub fn new(monthly_price: Money, included_messages: u64, message_price: Money) -> Result<Self, InvalidPlan> {
        if [monthly_price, message_price].iter().any(|price| !(0..=Self::MAX_PRICE_MINOR).contains(&price.minor())) {
            return Err(InvalidPlan::Price);
        }
        if included_messages > Self::MAX_INCLUDED {
            return Err(InvalidPlan::Included);
        }
        monthly_price.plus(message_price).map_err(|error| match error {
            MoneyError::MixedCurrencies => InvalidPlan::MixedCurrencies,
            MoneyError::Overflow => InvalidPlan::Price,
        })?;
        Ok(Self { monthly_price, included_messages, message_price })
    }

    #[must_use]
    pub const fn monthly_price(&self) -> Money {
        self.monthly_price
    }

    /// Inbound messages included in each period.
    #[must_use]
    pub const fn included_messages(&self) -> u64 {
        self.included_messages
    }

    /// The price of each message beyond the included ones.
    #[must_use]
    pub const fn message_price(&self) -> Money {
        self.message_price
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64, currency: &str) -> Money {
        Money::new(minor, currency.parse().unwrap())
    }

    #[test]
    fn terms_out_of_bounds_or_in_mixed_currencies_are_refused() {
        let (one, dear) = (money(1, "EUR"), money(Terms::MAX_PRICE_MINOR + 1, "EUR"));
        assert!(Terms::new(one, 0, one).is_ok());
        assert_eq!(Terms::new(one, 0, money(1, "USD")), Err(InvalidPlan::MixedCurrencies));
        assert_eq!(Terms::new(one, Terms::MAX_INCLUDED + 1, one), Err(InvalidPlan::Included));
        for price in [dear, money(-1, "EUR")] {
            assert_eq!(Terms::new(price, 0, one), Err(InvalidPlan::Price));
            assert_eq!(Terms::new(one, 0, price), Err(InvalidPlan::Price));
        }
    }

    #[test]
    fn trial_with_a_price_is_refused() {
        let plan = |code: &str, monthly, message| {
            let terms = Terms::new(money(monthly, "EUR"), 10, money(message, "EUR")).unwrap();
            Plan::new(code.parse().unwrap(), "Name".parse().unwrap(), terms).map(drop)
        };
        assert_eq!(plan("trial", 0, 0), Ok(()));
        assert_eq!(plan("trial", 1, 0), Err(InvalidPlan::TrialCosts));
        assert_eq!(plan("trial", 0, 1), Err(InvalidPlan::TrialCosts));
        assert_eq!(plan("starter", 1, 1), Ok(()));
    }

    #[test]
    fn invalid_plan_code_or_name_is_refused() {
        for code in ["", "Starter", "a b", &"x".repeat(41), "ä"] {
            assert_eq!(code.parse::<PlanCode>(), Err(InvalidPlan::Code), "{code}");
        }
        assert_eq!(" Starter ".parse::<PlanName>().unwrap().as_str(), "Starter");
        for name in ["", " ", "a\nb", &"x".repeat(81)] {
            assert_eq!(name.parse::<PlanName>(), Err(InvalidPlan::Name), "{name}");
        }
    }
}
