use std::sync::Arc;

use flows::JobBell;
use rabbitmq::BellRinger;
use tokio::sync::Notify;

/// The kind of work that the bells are of.
pub(crate) const JOBS: &str = "jobs";

/// Rings for the job runner of this process, and for those of all others.
#[derive(Debug)]
pub(crate) struct JobBells {
    pub(crate) here: Arc<Notify>,
    pub(crate) elsewhere: BellRinger,
}

impl JobBell for JobBells {
    fn ring(&self) {
        self.here.notify_one();
        self.elsewhere.ring("due".to_owned());
    }
}
