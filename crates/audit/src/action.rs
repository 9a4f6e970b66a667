/// Defines [`Action`]: each variant with its name in the API and the database.
macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $key:literal,)+) => {
        /// What was done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action {
            $($(#[$doc])* $name,)+
        }

        impl Action {
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name in the API and the database.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self {
                    $(Self::$name => $key,)+
                }
            }
        }
    };
}

actions! {
    /// A contact and its conversations were deleted.
    ContactDeleted = "contact.deleted",
    /// Two contacts were merged.
    ContactMerged = "contact.merged",
    InvoiceClosed = "invoice.closed",
    InvoicePaid = "invoice.paid",
    /// A user was given a role.
    MembershipGranted = "membership.granted",
    /// A role was taken from a user.
    MembershipRevoked = "membership.revoked",
    MetaAppChanged = "meta_app.changed",
    MetaAppCreated = "meta_app.created",
    MetaAppDeleted = "meta_app.deleted",
    /// A caller without the needed scope called an operators' endpoint.
    OperatorRefused = "operator.refused",
    /// A plan was added to the catalogue, changed, or withdrawn.
    PlanChanged = "plan.changed",
    ProvisioningKeyCreated = "provisioning_key.created",
    ProvisioningKeyRevoked = "provisioning_key.revoked",
    RoleChanged = "role.changed",
    RoleCreated = "role.created",
    RoleDeleted = "role.deleted",
    /// Sessions of a user were ended before they expired.
    SessionsEnded = "sessions.ended",
    /// A signing key was created or changed its state.
    SigningKeyMoved = "signing_key.moved",
    /// The private key of a signing key was sealed with another key-encryption key.
    SigningKeyResealed = "signing_key.resealed",
    /// A tenant chose another plan, or the subscription ended.
    SubscriptionChanged = "subscription.changed",
    TenantChanged = "tenant.changed",
    TenantCreated = "tenant.created",
    TenantReactivated = "tenant.reactivated",
    TenantSuspended = "tenant.suspended",
    /// A used refresh token was presented again; its session was ended.
    TokenReuse = "token_reuse",
    UserChanged = "user.changed",
    UserCreated = "user.created",
    UserDeleted = "user.deleted",
    /// A login succeeded or was refused.
    UserLoggedIn = "user.logged_in",
    /// A user changed their password, or was refused because the current password was wrong.
    PasswordChanged = "user.password_changed",
    UserReactivated = "user.reactivated",
    /// A person registered as a user, without a role.
    UserRegistered = "user.registered",
    UserSuspended = "user.suspended",
    /// A dead letter was discarded.
    EventDiscarded = "webhook_event.discarded",
    /// A dead letter was replayed.
    EventReplayed = "webhook_event.replayed",
    /// Dead letters that match a filter were replayed.
    EventsReplayed = "webhook_events.replayed",
    /// A tenant's connection of a WhatsApp number was approved.
    AccountApproved = "whatsapp_account.approved",
    AccountChanged = "whatsapp_account.changed",
    AccountConnected = "whatsapp_account.connected",
    AccountDisconnected = "whatsapp_account.disconnected",
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn action_names_are_unique() {
        let keys: BTreeSet<&str> = Action::ALL.iter().map(|action| action.key()).collect();
        assert_eq!(keys.len(), Action::ALL.len());
    }
}
