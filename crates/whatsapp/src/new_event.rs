use kernel::ids::EventId;

use crate::EventKind;

/// One item of a delivery.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub id: EventId,
    pub kind: EventKind,
    /// The number that it is routed by, if Meta names it.
    pub phone_number_id: Option<String>,
    /// `entry.id`; routes events without a phone number id.
    pub waba_id: Option<String>,
    /// The same in every delivery of the item.
    pub dedupe_key: String,
    /// An entry in Meta's own shape with this item alone.
    pub payload: Vec<u8>,
}
