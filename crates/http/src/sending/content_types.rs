//! The types of what can be sent, for the document: the domain reads and checks them.
#![expect(dead_code, reason = "for the document; `outbound::Content` reads what they describe")]

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Deserialize, ToSchema)]
#[schema(as = SendText)]
#[serde(deny_unknown_fields)]
pub(super) struct TextContent {
    #[schema(min_length = 1, max_length = 4096, example = "Your order is on its way.")]
    body: String,
    /// Shows a picture of the first link.
    #[serde(default)]
    #[schema(required = false)]
    preview_url: bool,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = SendLocation)]
#[serde(deny_unknown_fields)]
pub(super) struct LocationContent {
    #[schema(minimum = -90, maximum = 90, example = 52.52)]
    latitude: f64,
    #[schema(minimum = -180, maximum = 180, example = 13.405)]
    longitude: f64,
    #[schema(min_length = 1)]
    name: Option<String>,
    #[schema(min_length = 1)]
    address: Option<String>,
}

/// An image or a video, by the id that an upload gave it.
#[derive(Deserialize, ToSchema)]
#[schema(as = SendPicture)]
#[serde(deny_unknown_fields)]
pub(super) struct PictureContent {
    media_id: Uuid,
    #[schema(min_length = 1, max_length = 1024)]
    caption: Option<String>,
}

/// A document, by the id that an upload gave it.
#[derive(Deserialize, ToSchema)]
#[schema(as = SendDocument)]
#[serde(deny_unknown_fields)]
pub(super) struct DocumentContent {
    media_id: Uuid,
    #[schema(min_length = 1, max_length = 1024)]
    caption: Option<String>,
    #[schema(min_length = 1, max_length = 255)]
    filename: Option<String>,
}

/// A sound, by the id that an upload gave it.
#[derive(Deserialize, ToSchema)]
#[schema(as = SendAudio)]
#[serde(deny_unknown_fields)]
pub(super) struct AudioContent {
    media_id: Uuid,
    /// Shown as a voice message: Ogg with Opus only.
    #[serde(default)]
    #[schema(required = false)]
    voice: bool,
}

/// A sticker, by the id that an upload gave it.
#[derive(Deserialize, ToSchema)]
#[schema(as = SendSticker)]
#[serde(deny_unknown_fields)]
pub(super) struct StickerContent {
    media_id: Uuid,
}

/// A template's call: `components` as Meta takes them, or `parameters` in short.
#[derive(Deserialize, ToSchema)]
#[schema(as = SendTemplate)]
#[serde(deny_unknown_fields)]
pub(super) struct TemplateContent {
    #[schema(example = "order_update")]
    name: String,
    #[schema(example = "en_US")]
    language: String,
    #[schema(value_type = Option<Vec<Object>>)]
    components: Option<Vec<Map<String, Value>>>,
    #[schema(value_type = Option<Object>)]
    parameters: Option<Map<String, Value>>,
}
