//! A business number: what the sandbox knows of it and how it behaves.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::bucket::{Bucket, Rate};

/// The behaviour of a number, as `POST` and `PATCH /sandbox/numbers` set it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NumberSettings {
    pub(crate) phone_number_id: String,
    pub(crate) waba_id: String,
    #[serde(default = "defaults::display_phone_number")]
    pub(crate) display_phone_number: String,
    #[serde(default = "defaults::verified_name")]
    pub(crate) verified_name: String,
    /// Bearer tokens that may use the number.
    #[serde(default)]
    pub(crate) tokens: Vec<String>,
    /// The subcode of error 190 that every call with one of the tokens gets: 463 is an expired token.
    #[serde(default)]
    pub(crate) token_error: Option<i64>,
    /// Seconds since 1970; 0 never. The token is expired from then on.
    #[serde(default)]
    pub(crate) token_expires_at: i64,
    #[serde(default = "defaults::scopes")]
    pub(crate) token_scopes: Vec<String>,
    #[serde(default = "defaults::app_id")]
    pub(crate) app_id: String,
    /// Signs the webhooks. Without one, the secret of the sandbox does.
    #[serde(default)]
    pub(crate) app_secret: Option<String>,
    /// Without one, the URL of the sandbox is used.
    #[serde(default)]
    pub(crate) webhook_url: Option<String>,
    /// Messages a second; 0 is without a limit.
    #[serde(default = "defaults::throughput")]
    pub(crate) throughput: u32,
    /// The limit between the number and one person; null is without one.
    #[serde(default = "defaults::pair_limit")]
    pub(crate) pair_limit: Option<Rate>,
    #[serde(default)]
    pub(crate) window: WindowMode,
    #[serde(default)]
    pub(crate) statuses: StatusSettings,
    #[serde(default = "defaults::quality_rating")]
    pub(crate) quality_rating: String,
    #[serde(default = "defaults::name_status")]
    pub(crate) name_status: String,
    #[serde(default = "defaults::status")]
    pub(crate) status: String,
    #[serde(default = "defaults::can_send_message")]
    pub(crate) can_send_message: String,
    #[serde(default = "defaults::yes")]
    pub(crate) registered: bool,
    /// What `POST /{phone_number_id}/register` wants; null accepts each of six digits.
    #[serde(default)]
    pub(crate) pin: Option<String>,
    #[serde(default)]
    pub(crate) is_on_biz_app: bool,
}

/// What happens to a free-form message outside the 24 hours after the customer's last message.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WindowMode {
    /// It is accepted and fails with 131047, as Meta does mostly.
    #[default]
    Async,
    /// It is refused with 131047.
    Sync,
    /// It is delivered.
    Off,
}

/// Which statuses the number sends, and when after the message was accepted.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StatusSettings {
    pub(crate) enabled: bool,
    pub(crate) sent_after_ms: i64,
    pub(crate) delivered_after_ms: i64,
    /// Null: only the phone page and `POST /sandbox/phone/read` read.
    pub(crate) read_after_ms: Option<i64>,
}

impl Default for StatusSettings {
    fn default() -> Self {
        Self { enabled: true, sent_after_ms: 50, delivered_after_ms: 200, read_after_ms: None }
    }
}

mod defaults {
    use super::Rate;

    pub(super) fn display_phone_number() -> String {
        "15550100001".to_owned()
    }
    pub(super) fn verified_name() -> String {
        "Demo Business".to_owned()
    }
    pub(super) fn scopes() -> Vec<String> {
        ["whatsapp_business_management", "whatsapp_business_messaging"].map(str::to_owned).to_vec()
    }
    pub(super) fn app_id() -> String {
        "600000000000001".to_owned()
    }
    pub(super) fn throughput() -> u32 {
        80
    }
    #[expect(clippy::unnecessary_wraps, reason = "the default of an optional field")]
    pub(super) fn pair_limit() -> Option<Rate> {
        Some(Rate { burst: 45, interval_ms: 6000.0 })
    }
    pub(super) fn quality_rating() -> String {
        "GREEN".to_owned()
    }
    pub(super) fn name_status() -> String {
        "APPROVED".to_owned()
    }
    pub(super) fn status() -> String {
        "CONNECTED".to_owned()
    }
    pub(super) fn can_send_message() -> String {
        "AVAILABLE".to_owned()
    }
    pub(super) fn yes() -> bool {
        true
    }
}

#[derive(Debug)]
pub(crate) struct Number {
    pub(crate) id: Arc<str>,
    pub(crate) settings: NumberSettings,
    pub(crate) bucket: Bucket,
    /// Digits that Meta puts before a phone number without `+`.
    pub(crate) calling_code: String,
}

impl Number {
    pub(crate) fn new(settings: NumberSettings) -> Self {
        let digits: String = settings.display_phone_number.chars().filter(char::is_ascii_digit).collect();
        let calling_code = calling_code(&digits).to_owned();
        let id = settings.phone_number_id.as_str().into();
        Self { id, settings, bucket: Bucket::default(), calling_code }
    }

    /// Changes the members that the patch names.
    ///
    /// # Errors
    /// A text that says which member is wrong.
    pub(crate) fn patch(&mut self, patch: &Map<String, Value>) -> Result<(), String> {
        let mut merged = serde_json::to_value(&self.settings).map_err(|error| error.to_string())?;
        for (key, value) in patch {
            merged[key.as_str()] = value.clone();
        }
        if merged["phone_number_id"].as_str() != Some(&self.settings.phone_number_id) {
            return Err("phone_number_id cannot change".to_owned());
        }
        let settings: NumberSettings = serde_json::from_value(merged).map_err(|error| error.to_string())?;
        let bucket = self.bucket;
        *self = Self { bucket, ..Self::new(settings) };
        Ok(())
    }

    /// The rate of all messages; `None` is without a limit.
    pub(crate) fn rate(&self) -> Option<Rate> {
        (self.settings.throughput > 0).then(|| Rate::per_second(self.settings.throughput))
    }

    /// The subcode of error 190 that calls with its tokens get now.
    pub(crate) fn token_error(&self, now_ms: i64) -> Option<i64> {
        let expires_at = self.settings.token_expires_at;
        let expired = expires_at > 0 && now_ms >= expires_at.saturating_mul(1000);
        self.settings.token_error.or(expired.then_some(463))
    }

    /// The settings without secrets.
    pub(crate) fn view(&self) -> Value {
        let mut view = serde_json::to_value(&self.settings).unwrap_or_default();
        if let Some(members) = view.as_object_mut() {
            members.remove("app_secret");
            members.remove("pin");
            members.remove("tokens");
            members.insert("token_count".to_owned(), self.settings.tokens.len().into());
        }
        view
    }
}

/// The country's calling code of an international number. Codes have one digit (1 and 7), two, or three (ITU-T E.164).
fn calling_code(digits: &str) -> &str {
    const TWO_DIGITS: [&str; 43] = [
        "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49",
        "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84",
        "86", "90", "91", "92", "93", "94", "95",
    ];
    let length = match digits.get(..2) {
        Some(start) if start.starts_with(['1', '7']) => 1,
        Some("98") => 2,
        Some(start) if TWO_DIGITS.contains(&start) => 2,
        _ => 3,
    };
    digits.get(..length).unwrap_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn number() -> Number {
        let settings = json!({"phone_number_id": "1", "waba_id": "2", "tokens": ["t"], "app_secret": "s"});
        Number::new(serde_json::from_value(settings).unwrap())
    }

    #[test]
    fn calling_codes_have_their_lengths() {
        for (digits, code) in
            [("15550100001", "1"), ("4915112345678", "49"), ("5511999999999", "55"), ("380501234567", "380")]
        {
            assert_eq!(calling_code(digits), code);
        }
    }

    #[test]
    fn patch_changes_what_it_names_only() {
        let mut number = number();
        number.patch(json!({"throughput": 5}).as_object().unwrap()).unwrap();
        assert_eq!((number.settings.throughput, number.settings.tokens.len()), (5, 1));
        assert!(number.patch(json!({"thruput": 5}).as_object().unwrap()).is_err());
        assert!(number.patch(json!({"phone_number_id": "9"}).as_object().unwrap()).is_err());
    }

    #[test]
    fn view_has_no_secret() {
        let view = number().view();
        assert!(view.get("tokens").is_none() && view.get("app_secret").is_none());
    }

    #[test]
    fn token_expires_at_its_second() {
        let mut number = number();
        number.settings.token_expires_at = 100;
        assert_eq!(number.token_error(99_999), None);
        assert_eq!(number.token_error(100_000), Some(463));
    }
}
