use secrecy::{ExposeSecret, SecretString};

/// How many messages an account sends in a second at most. Meta counts what comes in as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Throughput(u16);

/// What lets Parley send for a number.
#[derive(Clone, Debug)]
pub struct AccessToken(SecretString);

/// The six digits of the two-step verification of a number, with which it is registered.
#[derive(Clone, Debug)]
pub struct TwoStepPin(SecretString);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSetting {
    #[error("must be a whole number from 1 to 1000")]
    Throughput,
    #[error("must have 1 to 2048 visible ASCII characters")]
    AccessToken,
    #[error("must have 6 digits")]
    TwoStepPin,
}

impl Throughput {
    /// # Errors
    /// [`InvalidSetting::Throughput`].
    pub fn new(per_second: i64) -> Result<Self, InvalidSetting> {
        let valid = u16::try_from(per_second).ok().filter(|value| (1..=1_000).contains(value));
        valid.map(Self).ok_or(InvalidSetting::Throughput)
    }

    /// Messages in a second.
    #[must_use]
    pub const fn per_second(self) -> u16 {
        self.0
    }
}

/// What Meta allows a new number.
impl Default for Throughput {
    fn default() -> Self {
        Self(80)
    }
}

impl AccessToken {
    /// # Errors
    /// [`InvalidSetting::AccessToken`]. White space is refused: such a mistake could not be seen once the token is sealed.
    pub fn parse(token: SecretString) -> Result<Self, InvalidSetting> {
        let text = token.expose_secret();
        let valid = (1..=2_048).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if valid { Ok(Self(token)) } else { Err(InvalidSetting::AccessToken) }
    }

    #[must_use]
    pub const fn secret(&self) -> &SecretString {
        &self.0
    }
}

impl TwoStepPin {
    /// # Errors
    /// [`InvalidSetting::TwoStepPin`].
    pub fn parse(pin: SecretString) -> Result<Self, InvalidSetting> {
        let text = pin.expose_secret();
        let valid = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
        if valid { Ok(Self(pin)) } else { Err(InvalidSetting::TwoStepPin) }
    }

    #[must_use]
    pub const fn secret(&self) -> &SecretString {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_outside_its_bounds_is_refused() {
        for value in [0, -1, 1_001, 65_617, i64::MAX] {
            assert_eq!(Throughput::new(value), Err(InvalidSetting::Throughput), "{value}");
        }
        assert_eq!(Throughput::new(1_000).unwrap().per_second(), 1_000);
        for pin in ["", "12345", "1234567", "12345a", "１２"] {
            assert_eq!(TwoStepPin::parse(pin.into()).unwrap_err(), InvalidSetting::TwoStepPin, "{pin}");
        }
        for token in ["", "EAA x", "EAA\n", "Ä"] {
            assert_eq!(AccessToken::parse(token.into()).unwrap_err(), InvalidSetting::AccessToken, "{token}");
        }
        assert!(AccessToken::parse("E".repeat(2_049).into()).is_err());
    }

    #[test]
    fn secret_is_not_in_its_debug_text() {
        let (token, pin) = (AccessToken::parse("EAAx".into()).unwrap(), TwoStepPin::parse("918273".into()).unwrap());
        let text = format!("{token:?} {pin:?}");
        assert!(!text.contains("EAAx") && !text.contains("918273"), "{text}");
    }
}
