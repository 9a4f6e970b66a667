use chrono::{DateTime, Utc};
use kernel::ErrorClass;

use crate::JobPolicy;

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFailure {
    pub class: ErrorClass,
    /// For people; without secrets and without texts of messages.
    pub error: String,
}

/// What a run did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobOutcome {
    /// There is nothing more to do.
    Done,
    /// Done for now: it runs again at that time.
    DoneUntil(DateTime<Utc>),
    /// Another attempt may succeed, by the kind's delays, not before `after`.
    Retry { failure: JobFailure, after: Option<DateTime<Utc>> },
    /// Another attempt cannot succeed.
    Dead(JobFailure),
}

impl JobOutcome {
    /// A failure that may pass.
    #[must_use]
    pub fn retry(class: ErrorClass, error: impl Into<String>) -> Self {
        Self::Retry { failure: JobFailure { class, error: error.into() }, after: None }
    }

    /// The word for it in metrics and logs.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Done | Self::DoneUntil(_) => "done",
            Self::Retry { .. } => "retry",
            Self::Dead(_) => "dead",
        }
    }
}

/// What becomes of a job after a run. Any state ends the count of its starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextState {
    /// Its row is deleted.
    Finished,
    Waiting {
        due_at: DateTime<Utc>,
        attempts: i32,
        failure: Option<JobFailure>,
    },
    Dead {
        attempts: i32,
        failure: JobFailure,
    },
}

impl NextState {
    /// The word for it in metrics and logs.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Finished | Self::Waiting { failure: None, .. } => "done",
            Self::Waiting { failure: Some(_), .. } => "retry",
            Self::Dead { .. } => "dead",
        }
    }
}

/// The rule: what follows from an outcome, after the given number of earlier failures. `jitter` is a random byte.
#[must_use]
pub fn next_state(outcome: JobOutcome, policy: &JobPolicy, failures: i32, now: DateTime<Utc>, jitter: u8) -> NextState {
    let attempts = failures.saturating_add(1);
    match outcome {
        JobOutcome::Done => NextState::Finished,
        JobOutcome::DoneUntil(due_at) => NextState::Waiting { due_at, attempts: 0, failure: None },
        JobOutcome::Dead(failure) => NextState::Dead { attempts, failure },
        JobOutcome::Retry { failure, after } => match policy.retry.delay_after(attempts, jitter) {
            None => NextState::Dead { attempts, failure },
            Some(delay) => {
                let due_at = after.map_or(now + delay, |after| after.max(now + delay));
                NextState::Waiting { due_at, attempts, failure: Some(failure) }
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use kernel::RetryPolicy;

    use super::*;
    use crate::JobKind;

    fn policy() -> JobPolicy {
        JobPolicy { retry: RetryPolicy::default(), ..JobKind::AccountCheck.policy() }
    }

    fn now() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }

    fn failure() -> JobFailure {
        JobFailure { class: ErrorClass::Transient, error: "no answer".to_owned() }
    }

    fn after_failures(failures: i32, after: Option<DateTime<Utc>>) -> NextState {
        next_state(JobOutcome::Retry { failure: failure(), after }, &policy(), failures, now(), 0)
    }

    #[test]
    fn finished_job_has_no_row() {
        assert_eq!(next_state(JobOutcome::Done, &policy(), 3, now(), 0), NextState::Finished);
    }

    #[test]
    fn periodic_job_forgets_its_failures() {
        let tomorrow = now() + TimeDelta::days(1);
        let next = next_state(JobOutcome::DoneUntil(tomorrow), &policy(), 3, now(), 0);
        assert_eq!(next, NextState::Waiting { due_at: tomorrow, attempts: 0, failure: None });
        assert_eq!(next.label(), "done");
    }

    #[test]
    fn failed_job_waits_longer_each_time_until_it_is_dead() {
        let delays: Vec<i64> = (0..6)
            .map(|failures| match after_failures(failures, None) {
                NextState::Waiting { due_at, attempts, failure: Some(_) } if attempts == failures + 1 => {
                    (due_at - now()).num_seconds()
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(delays, [5, 20, 80, 320, 1_280, 5_120]);
        assert_eq!(after_failures(6, None), NextState::Dead { attempts: 7, failure: failure() });
        assert!(matches!(after_failures(i32::MAX, None), NextState::Dead { .. }));
    }

    #[test]
    fn retry_is_not_before_the_time_that_the_other_side_wants() {
        let due = |after: TimeDelta| match after_failures(0, Some(now() + after)) {
            NextState::Waiting { due_at, .. } => due_at - now(),
            other => panic!("{other:?}"),
        };
        assert_eq!(due(TimeDelta::minutes(10)), TimeDelta::minutes(10));
        assert_eq!(due(TimeDelta::seconds(1)), TimeDelta::seconds(5), "nor before the kind's delay");
    }

    #[test]
    fn permanent_failure_is_dead_at_once() {
        let next = next_state(JobOutcome::Dead(failure()), &policy(), 0, now(), 0);
        assert_eq!(next, NextState::Dead { attempts: 1, failure: failure() });
    }
}
