/// What was done, as a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    TenantCreated,
    TenantChanged,
    TenantSuspended,
    TenantReactivated,
    /// Or was refused.
    UserLoggedIn,
    /// Somebody made themselves a user, without any role.
    UserRegistered,
    /// A user's own; or they tried, and did not know the current one.
    PasswordChanged,
    /// A dead letter is driven again.
    EventReplayed,
    /// Dead letters that a filter found are driven again.
    EventsReplayed,
    /// A dead letter is given up for good.
    EventDiscarded,
    /// A tenant's claim on a WhatsApp number is approved.
    AccountApproved,
    ProvisioningKeyCreated,
    ProvisioningKeyRevoked,
    /// Somebody who is no operator, or may not do this, called an operators' endpoint.
    OperatorRefused,
}

impl Action {
    pub const ALL: [Self; 14] = [
        Self::TenantCreated,
        Self::TenantChanged,
        Self::TenantSuspended,
        Self::TenantReactivated,
        Self::UserLoggedIn,
        Self::UserRegistered,
        Self::PasswordChanged,
        Self::EventReplayed,
        Self::EventsReplayed,
        Self::EventDiscarded,
        Self::AccountApproved,
        Self::ProvisioningKeyCreated,
        Self::ProvisioningKeyRevoked,
        Self::OperatorRefused,
    ];

    /// The name in the API and the database.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::TenantCreated => "tenant.created",
            Self::TenantChanged => "tenant.changed",
            Self::TenantSuspended => "tenant.suspended",
            Self::TenantReactivated => "tenant.reactivated",
            Self::UserLoggedIn => "user.logged_in",
            Self::UserRegistered => "user.registered",
            Self::PasswordChanged => "user.password_changed",
            Self::EventReplayed => "webhook_event.replayed",
            Self::EventsReplayed => "webhook_events.replayed",
            Self::EventDiscarded => "webhook_event.discarded",
            Self::AccountApproved => "whatsapp_account.approved",
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
