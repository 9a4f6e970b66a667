use serde_json::{Map, Value, json};

use crate::content::error::ContentError;
use crate::content::location::Location;
use crate::content::media::MediaRef;
use crate::content::reader::{Fields, Node};
use crate::content::to_meta::{MediaIds, ToMetaError};
use kernel::MediaKind;

/// A value for a gap of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    Text {
        /// Of a template with named parameters.
        name: Option<String>,
        text: String,
    },
    /// A price; phones show it in their own way.
    Currency {
        name: Option<String>,
        /// Shown by phones that cannot.
        fallback: String,
        code: String,
        /// In thousandths of the currency.
        amount_1000: i64,
    },
    DateTime {
        name: Option<String>,
        fallback: String,
    },
    /// A picture, a video or a document.
    Media(MediaKind, MediaRef),
    Location(Location),
    /// Returned when the quick reply is tapped.
    Payload(String),
    CouponCode(String),
    /// When the offer ends, in milliseconds since 1970.
    LimitedTimeOffer {
        expiration_time_ms: i64,
    },
    /// What a button of a catalogue, a form or an order needs, as Meta has it: an object under its type's name.
    Other {
        kind: &'static str,
        value: Map<String, Value>,
    },
}

/// Types whose object is passed on as it is: Meta changes them often.
const OTHERS: [&str; 4] = ["action", "order_details", "order_status", "product"];

impl Parameter {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, ContentError> {
        let mut fields = node.object()?;
        let kind = fields.required("type")?;
        let parameter = match kind.string()? {
            "text" => {
                let name = read_name(&mut fields)?;
                Self::Text { name, text: fields.required("text")?.any_text()? }
            }
            "currency" => Self::read_currency(&mut fields)?,
            "date_time" => {
                let name = read_name(&mut fields)?;
                let mut value = fields.required("date_time")?.object()?;
                let fallback = value.required("fallback_value")?.any_text()?;
                value.end()?;
                Self::DateTime { name, fallback }
            }
            "image" => Self::read_media(&mut fields, MediaKind::Image)?,
            "video" => Self::read_media(&mut fields, MediaKind::Video)?,
            "document" => Self::read_media(&mut fields, MediaKind::Document)?,
            "location" => Self::Location(Location::read(&fields.required("location")?)?),
            "payload" => Self::Payload(fields.required("payload")?.any_text()?),
            "coupon_code" => Self::CouponCode(fields.required("coupon_code")?.any_text()?),
            "limited_time_offer" => {
                let mut offer = fields.required("limited_time_offer")?.object()?;
                let expiration_time_ms = offer.required("expiration_time_ms")?.integer()?;
                offer.end()?;
                Self::LimitedTimeOffer { expiration_time_ms }
            }
            other => match OTHERS.iter().find(|known| **known == other) {
                Some(name) => Self::read_other(&mut fields, name)?,
                None => return Err(kind.invalid("is no type of a parameter, such as text, currency, image or payload")),
            },
        };
        fields.end()?;
        Ok(parameter)
    }

    fn read_currency(fields: &mut Fields<'_>) -> Result<Self, ContentError> {
        let name = read_name(fields)?;
        let mut value = fields.required("currency")?.object()?;
        let currency = Self::Currency {
            name,
            fallback: value.required("fallback_value")?.any_text()?,
            code: value.required("code")?.text(3)?,
            amount_1000: value.required("amount_1000")?.integer()?,
        };
        value.end()?;
        Ok(currency)
    }

    fn read_media(fields: &mut Fields<'_>, kind: MediaKind) -> Result<Self, ContentError> {
        let mut file = fields.required(kind.into())?.object()?;
        let media = MediaRef::read(&mut file, kind)?;
        file.end()?;
        Ok(Self::Media(kind, media))
    }

    fn read_other(fields: &mut Fields<'_>, kind: &'static str) -> Result<Self, ContentError> {
        let node = fields.required(kind)?;
        node.object()?;
        Ok(Self::Other { kind, value: node.value().as_object().cloned().unwrap_or_default() })
    }

    /// Meta's word for its type.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Currency { .. } => "currency",
            Self::DateTime { .. } => "date_time",
            Self::Media(kind, _) => kind.into_str(),
            Self::Location(_) => "location",
            Self::Payload(_) => "payload",
            Self::CouponCode(_) => "coupon_code",
            Self::LimitedTimeOffer { .. } => "limited_time_offer",
            Self::Other { kind, .. } => kind,
        }
    }

    /// What fills the gap of a text.
    pub(super) fn shown(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } => Some(text),
            Self::Currency { fallback, .. } | Self::DateTime { fallback, .. } => Some(fallback),
            _ => None,
        }
    }

    pub(super) fn is_text(&self) -> bool {
        self.shown().is_some()
    }

    /// The gap of a template with named parameters.
    pub(super) const fn name(&self) -> Option<&String> {
        match self {
            Self::Text { name, .. } | Self::Currency { name, .. } | Self::DateTime { name, .. } => name.as_ref(),
            _ => None,
        }
    }

    pub(super) const fn media(&self) -> Option<(MediaKind, &MediaRef)> {
        match self {
            Self::Media(kind, media) => Some((*kind, media)),
            _ => None,
        }
    }

    pub(super) fn to_meta(&self, media: MediaIds<'_>) -> Result<Value, ToMetaError> {
        let value = match self {
            Self::Text { text, .. } => json!(text),
            Self::Currency { fallback, code, amount_1000, .. } => {
                json!({"fallback_value": fallback, "code": code, "amount_1000": amount_1000})
            }
            Self::DateTime { fallback, .. } => json!({"fallback_value": fallback}),
            Self::Media(_, file) => Value::Object(file.to_meta(media)?),
            Self::Location(location) => Value::Object(location.to_meta()),
            Self::Payload(payload) => json!(payload),
            Self::CouponCode(code) => json!(code),
            Self::LimitedTimeOffer { expiration_time_ms } => json!({"expiration_time_ms": expiration_time_ms}),
            Self::Other { value, .. } => Value::Object(value.clone()),
        };
        let mut meta = Map::from_iter([("type".to_owned(), json!(self.kind())), (self.kind().to_owned(), value)]);
        meta.extend(self.name().map(|name| ("parameter_name".to_owned(), json!(name))));
        Ok(Value::Object(meta))
    }
}

fn read_name(fields: &mut Fields<'_>) -> Result<Option<String>, ContentError> {
    fields.optional_text("parameter_name", usize::MAX)
}
