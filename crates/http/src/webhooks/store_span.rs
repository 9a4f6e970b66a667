use actix_web::{HttpMessage as _, HttpRequest};
use chrono::{DateTime, Utc};
use flows::{AcceptError, Accepted};
use kernel::{Span, SpanKind, Traceparent};

use crate::state::State;

/// The span in which a delivery is stored. Its events carry the span's context to the relay and the workers.
pub(super) struct StoreSpan {
    pub(super) at: Traceparent,
    parent: Traceparent,
    started: DateTime<Utc>,
}

impl StoreSpan {
    /// Starts a child span of the request.
    pub(super) fn begin(state: &State, request: &HttpRequest) -> Self {
        let clock = &*state.clock;
        let parent = request.extensions().get().copied().unwrap_or_else(|| Traceparent::start(clock));
        Self { at: state.tracing.next(parent, clock), parent, started: clock.now() }
    }

    pub(super) fn end(self, state: &State, outcome: &Result<Accepted, AcceptError>) {
        state.tracing.record(&self.at, || {
            let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX).into();
            let mut attributes = vec![("db.system.name", "postgresql".into())];
            if let Ok(accepted) = outcome {
                attributes.push(("parley.events", number(accepted.events)));
                attributes.push(("parley.events.stored", number(accepted.stored.len())));
            }
            Span {
                at: self.at,
                parent: Some(self.parent),
                links: Vec::new(),
                name: "store events".to_owned(),
                kind: SpanKind::Internal,
                started: self.started,
                ended: state.clock.now(),
                attributes,
                error: outcome.as_ref().err().map(error_kind),
            }
        });
    }
}

const fn error_kind(error: &AcceptError) -> &'static str {
    match error {
        AcceptError::Busy => "busy",
        AcceptError::NotStored(_) => "not_stored",
        AcceptError::CutOff => "cut_off",
    }
}
