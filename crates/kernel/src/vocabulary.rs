//! Closed sets that several domains, the database and the API share. The text of each case exists once: in `strum`, which
//! yields it (`into_str`), parses it (`FromStr`) and lists all cases (`VARIANTS`).

mod content_part;
mod delivery_status;
mod direction;
mod forwarded;
mod media_kind;
mod message_category;
mod origin;

pub use content_part::{ContentPart, ContentPartKind};
pub use delivery_status::DeliveryStatus;
pub use direction::Direction;
pub use forwarded::Forwarded;
pub use media_kind::MediaKind;
pub use message_category::MessageCategory;
pub use origin::Origin;
