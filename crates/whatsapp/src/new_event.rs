use kernel::ids::EventId;

use crate::EventKind;

/// One thing that Meta told us, as it leaves a delivery.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub id: EventId,
    pub kind: EventKind,
    /// What it is routed by, where Meta says it.
    pub phone_number_id: Option<String>,
    /// `entry.id`; routes what has no phone number.
    pub waba_id: Option<String>,
    /// The same for every delivery of the same thing.
    pub dedupe_key: String,
    /// An entry in Meta's own shape with this one thing in it.
    pub payload: Vec<u8>,
}
