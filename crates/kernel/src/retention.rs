use chrono::TimeDelta;

/// How long rows are kept that are of no use after a time. Webhook events have a policy of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Hashes of the identities of deleted contacts. An event from before the deletion that arrives later than that restores the
    /// contact; Meta delivers a number's history of 180 days.
    pub erased_identities: TimeDelta,
    /// Which contact was counted in which billing period. Invoices stay.
    pub usage_details: TimeDelta,
    /// Records of the audit logs. `None` keeps them.
    pub audit_records: Option<TimeDelta>,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            erased_identities: TimeDelta::days(400),
            usage_details: TimeDelta::days(400),
            audit_records: Some(TimeDelta::days(1_095)),
        }
    }
}
