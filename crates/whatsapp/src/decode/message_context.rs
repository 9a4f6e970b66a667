use crate::update::Party;
use kernel::{DeliveryStatus, Direction, Origin};

/// What the list of a message says about it.
#[derive(Clone, Debug)]
pub(super) struct MessageContext {
    pub(super) direction: Direction,
    pub(super) origin: Origin,
    pub(super) customer: Party,
    pub(super) delivery: Option<DeliveryStatus>,
}
