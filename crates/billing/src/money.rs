use std::fmt;
use std::str::FromStr;

/// A currency, as its ISO 4217 code of three letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency([u8; 3]);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be three upper-case letters, as in ISO 4217")]
pub struct InvalidCurrency;

/// An amount in the minor unit of its currency, such as cents. Nothing here depends on how many of them make a major unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why an amount cannot be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("the amount is too large")]
    Overflow,
    #[error("the amounts are in different currencies")]
    MixedCurrencies,
}

impl Currency {
    #[must_use]
    pub fn as_str(&self) -> &str {
        // The constructor accepts ASCII letters only.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Currency {
    type Err = InvalidCurrency;

    fn from_str(text: &str) -> Result<Self, InvalidCurrency> {
        let code: [u8; 3] = text.as_bytes().try_into().map_err(|_| InvalidCurrency)?;
        if code.iter().all(u8::is_ascii_uppercase) { Ok(Self(code)) } else { Err(InvalidCurrency) }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Money {
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// The amount in minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// # Errors
    /// [`MoneyError`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::MixedCurrencies);
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// `quantity` times the amount.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn times(self, quantity: u64) -> Result<Self, MoneyError> {
        let product = i128::from(self.minor).checked_mul(quantity.into()).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor: product.try_into().map_err(|_| MoneyError::Overflow)?, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn euros(minor: i64) -> Money {
        Money::new(minor, "EUR".parse().unwrap())
    }

    #[test]
    fn overflow_and_mixed_currencies_are_errors() {
        assert_eq!(euros(2).times(21), Ok(euros(42)));
        assert_eq!(euros(40).plus(euros(2)), Ok(euros(42)));
        assert_eq!(euros(i64::MAX).plus(euros(1)), Err(MoneyError::Overflow));
        assert_eq!(euros(i64::MAX).times(2), Err(MoneyError::Overflow));
        assert_eq!(euros(i64::MAX).times(u64::MAX), Err(MoneyError::Overflow));
        assert_eq!(euros(0).times(u64::MAX), Ok(euros(0)));
        assert_eq!(euros(1).plus(Money::zero("USD".parse().unwrap())), Err(MoneyError::MixedCurrencies));
    }

    #[test]
    fn currency_is_three_upper_case_letters() {
        assert_eq!("EUR".parse::<Currency>().unwrap().as_str(), "EUR");
        for text in ["", "EU", "EURO", "eur", "E1R", "€"] {
            assert_eq!(text.parse::<Currency>(), Err(InvalidCurrency), "{text}");
        }
    }
}
