use chrono::TimeDelta;
use kernel::RetryPolicy;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// What a job does. The text is its name in the API, the database, metrics and logs.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum JobKind {
    /// Asks Meta about the token, the number and the business account of a WhatsApp account, each day.
    AccountCheck,
    /// Reads the templates of a business account from Meta, each day and when an event requests it.
    TemplateSync,
    /// Fetches a file of a message from Meta into the object store. It is the time of its message that its `created_at` says.
    MediaDownload,
    /// Gives Meta a file that a message is to show.
    MediaUpload,
}

/// In which order the due jobs of a tenant are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobOrder {
    /// What has been due longest.
    LongestDue,
    /// What was created last, but what was created longer ago than that before all, oldest first.
    Newest { urgent_after: TimeDelta },
}

/// How jobs of a kind are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobPolicy {
    pub retry: RetryPolicy,
    /// How long a job stays with a runner that has died.
    pub lease: TimeDelta,
    /// How long a run may take; then it has failed.
    pub deadline: TimeDelta,
    /// Starts without an outcome before the job is a dead letter.
    pub max_starts: i32,
    /// Jobs of the kind that one process runs at a time.
    pub concurrent: usize,
    /// Jobs of one tenant of weight 1 that all processes together run at a time.
    pub concurrent_per_tenant: i64,
    pub order: JobOrder,
}

/// Asks Meta again each hour, for a week: Meta may be away for long, and a person can do nothing about it.
const HOURLY: RetryPolicy = RetryPolicy { first_delay: TimeDelta::hours(1), factor: 1, max_attempts: 7 * 24 };

impl JobKind {
    pub const ALL: &[Self] = Self::VARIANTS;

    #[must_use]
    pub const fn policy(self) -> JobPolicy {
        let calls_to_meta = JobPolicy {
            retry: HOURLY,
            lease: TimeDelta::seconds(15),
            deadline: TimeDelta::minutes(2),
            max_starts: 3,
            concurrent: 8,
            concurrent_per_tenant: 2,
            order: JobOrder::LongestDue,
        };
        match self {
            Self::AccountCheck => calls_to_meta,
            // A business account may have thousands of templates, in pages.
            Self::TemplateSync => JobPolicy { deadline: TimeDelta::minutes(10), ..calls_to_meta },
            // A message waits for it, and a person for the message.
            Self::MediaUpload => JobPolicy {
                retry: RetryPolicy { first_delay: TimeDelta::seconds(5), factor: 2, max_attempts: 12 },
                deadline: TimeDelta::minutes(6),
                concurrent: 8,
                concurrent_per_tenant: 4,
                ..calls_to_meta
            },
            // Its handler says when to try again. The slots are its own: a slow file delays other files, and nothing else.
            Self::MediaDownload => JobPolicy {
                retry: RetryPolicy { first_delay: TimeDelta::seconds(30), factor: 1, max_attempts: 100_000 },
                deadline: TimeDelta::minutes(10),
                concurrent: 6,
                concurrent_per_tenant: 3,
                // Meta keeps a file for seven days.
                order: JobOrder::Newest { urgent_after: TimeDelta::days(5) },
                ..calls_to_meta
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_policy_can_work() {
        for kind in JobKind::ALL {
            let policy = kind.policy();
            assert!(policy.lease >= TimeDelta::seconds(10), "{kind:?}: leases are renewed each few seconds");
            assert!(policy.deadline > TimeDelta::zero() && policy.max_starts > 1, "{kind:?}");
            assert!(policy.concurrent > 0 && policy.concurrent_per_tenant > 0, "{kind:?}");
            assert!(policy.retry.delay_after(1, 0).is_some(), "{kind:?}");
        }
    }

    #[test]
    fn name_of_a_kind_is_a_label() {
        for kind in JobKind::ALL {
            assert_eq!(kind.into_str().parse(), Ok(*kind));
        }
    }
}
