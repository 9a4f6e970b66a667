use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    #[error("the broker URL is not an amqp:// URL: {0}")]
    Url(String),
    /// Retrying does not help, and only an operator may delete the queue.
    #[error(
        "the broker has {name:?} with other arguments than this version of Parley declares: delete it when it is empty, or \
         choose other names (amqp.namespace); {source}"
    )]
    ArgumentsDiffer { name: String, source: lapin::Error },
    #[error("cannot declare {name:?}: {source}")]
    Declare { name: String, source: lapin::Error },
    #[error("the broker did not respond within {} s", RESPONSE_TIMEOUT.as_secs())]
    TimedOut,
    #[error(transparent)]
    Lapin(#[from] lapin::Error),
}

/// A healthy broker responds to any request sooner.
pub(crate) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
