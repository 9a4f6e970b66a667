use std::fmt;
use std::sync::Arc;

use flows::Database;
use kernel::seal::KeyRing;
use kernel::{Clock, Entropy, Tracing};
use outbound::{AttemptRefs, MessagingApi};

use super::bells::NumberBells;

/// Sends what is queued. Any number of senders may run: a lease in the database gives each number to one of them, so that its pace
/// is exact, its conversations keep their order, and a pause of it is one fact.
#[derive(Clone)]
pub struct Sender {
    pub database: Arc<dyn Database>,
    pub api: Arc<dyn MessagingApi>,
    pub ring: Arc<KeyRing>,
    pub attempt_refs: Arc<AttemptRefs>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub bells: Arc<NumberBells>,
    pub tracing: Tracing,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
