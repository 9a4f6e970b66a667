use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use flows::{Settlement, StartedSend};
use kernel::ids::TenantId;
use kernel::{Clock, Entropy, Tracing};
use outbound::{AttemptFacts, AttemptRefs, CallOutcome, Credentials, MessagingApi};
use tokio::time::{Instant, sleep_until, timeout};

use crate::failpoint;
use crate::spans::Sending;

/// What calls of one number have in common.
pub(super) struct Caller {
    pub(super) api: Arc<dyn MessagingApi>,
    pub(super) attempt_refs: Arc<AttemptRefs>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) tenant: TenantId,
    pub(super) tracing: Tracing,
}

/// A call that did not leave this long after it was stored as begun is not made: the lease of its number may have ended meanwhile.
const MAX_DELAY: Duration = Duration::from_secs(3);
/// More than the adapter's own timeout.
const TIMEOUT: Duration = Duration::from_secs(40);

impl Caller {
    /// Calls Meta at that moment, and says what became of the send.
    pub(super) async fn call(
        &self,
        send: StartedSend,
        (credentials, token_set_at): (&Credentials, DateTime<Utc>),
        (stored_at, leaves_at): (Instant, Instant),
    ) -> Settlement {
        sleep_until(leaves_at).await;
        let (started, trace) = (self.clock.now(), send.trace);
        let outcome = match self.body(&send) {
            None => CallOutcome::NotSent("no key to sign the message's reference with".to_owned()),
            Some(_) if stored_at.elapsed() > MAX_DELAY => CallOutcome::NotSent("the process was delayed".to_owned()),
            Some(body) => {
                failpoint::die_of("sender.before_call", body.as_bytes());
                let call = timeout(TIMEOUT, self.api.post_message(credentials, &body)).await;
                let outcome = call.unwrap_or_else(|_| CallOutcome::Unclear {
                    reason: "no answer in time".to_owned(),
                    http_status: None,
                });
                failpoint::die_of("sender.after_call", body.as_bytes());
                outcome
            }
        };
        let facts = AttemptFacts { ended_at: self.clock.now(), ..send.facts };
        let (account, ended) = (facts.account, facts.ended_at);
        let (send, pause) = outbound::settle(&facts, outcome, self.random());
        if let Some(parent) = trace.filter(|trace| self.tracing.records(trace)) {
            let sending = Sending { send: &send, tenant: self.tenant, account, parent, started, ended };
            sending.record(&self.tracing, &*self.clock);
        }
        Settlement { send, pause, token_set_at: Some(token_set_at) }
    }

    /// Settles a send whose access token cannot be opened.
    pub(super) fn without_token(&self, send: StartedSend) -> Settlement {
        let facts = AttemptFacts { ended_at: self.clock.now(), ..send.facts };
        let outcome = CallOutcome::NotSent("the access token cannot be opened".to_owned());
        let (send, pause) = outbound::settle(&facts, outcome, self.random());
        Settlement { send, pause, token_set_at: None }
    }

    /// The frozen JSON with the reference that comes back in the statuses.
    fn body(&self, send: &StartedSend) -> Option<String> {
        let opaque = self.attempt_refs.text(self.tenant, send.facts.account, send.attempt)?;
        let (object, _) = send.body.rsplit_once('}')?;
        // The reference has letters, digits and points only.
        Some(format!("{object},\"biz_opaque_callback_data\":\"{opaque}\"}}"))
    }

    /// Between 0 and 1. Without randomness all wait equally long.
    fn random(&self) -> f64 {
        let mut bytes = [0; 4];
        match self.entropy.fill(&mut bytes) {
            Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
            Err(_) => 0.5,
        }
    }
}
