/// What was done, as a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A dead letter is driven again.
    EventReplayed,
    /// Dead letters that a filter found are driven again.
    EventsReplayed,
    /// A dead letter is given up for good.
    EventDiscarded,
    /// A tenant's claim on a WhatsApp number is approved.
    AccountApproved,
    /// Two contacts are one.
    ContactMerged,
    /// A contact and all that was said with them is gone.
    ContactDeleted,
    ProvisioningKeyCreated,
    ProvisioningKeyRevoked,
    /// Somebody who is no operator, or may not do this, called an operators' endpoint.
    OperatorRefused,
}

impl Action {
    pub const ALL: [Self; 9] = [
        Self::EventReplayed,
        Self::EventsReplayed,
        Self::EventDiscarded,
        Self::AccountApproved,
        Self::ContactMerged,
        Self::ContactDeleted,
        Self::ProvisioningKeyCreated,
        Self::ProvisioningKeyRevoked,
        Self::OperatorRefused,
    ];

    /// The name in the API and the database.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::EventReplayed => "webhook_event.replayed",
            Self::EventsReplayed => "webhook_events.replayed",
            Self::EventDiscarded => "webhook_event.discarded",
            Self::AccountApproved => "whatsapp_account.approved",
            Self::ContactMerged => "contact.merged",
            Self::ContactDeleted => "contact.deleted",
            Self::ProvisioningKeyCreated => "provisioning_key.created",
            Self::ProvisioningKeyRevoked => "provisioning_key.revoked",
            Self::OperatorRefused => "operator.refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn keys_are_unique() {
        let keys: BTreeSet<&str> = Action::ALL.iter().map(|action| action.key()).collect();
        assert_eq!(keys.len(), Action::ALL.len());
    }
}
