/// Defines [`Action`]: each with its name in the API and the database.
macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $key:literal,)+) => {
        /// What was done, as a closed set.
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
    /// A contact and all that was said with them is gone.
    ContactDeleted = "contact.deleted",
    /// Two contacts are one.
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
    /// Somebody who is no operator, or may not do this, called an operators' endpoint.
    OperatorRefused = "operator.refused",
    /// A plan of the catalogue is new, has other prices, or cannot be had any more.
    PlanChanged = "plan.changed",
    ProvisioningKeyCreated = "provisioning_key.created",
    ProvisioningKeyRevoked = "provisioning_key.revoked",
    RoleChanged = "role.changed",
    RoleCreated = "role.created",
    RoleDeleted = "role.deleted",
    /// Sessions of a user are over before they ran out.
    SessionsEnded = "sessions.ended",
    /// A signing key is new, or goes on to another state.
    SigningKeyMoved = "signing_key.moved",
    /// The private half of a signing key is sealed with another key-encryption key.
    SigningKeyResealed = "signing_key.resealed",
    /// A tenant chose another plan, or what they have is over.
    SubscriptionChanged = "subscription.changed",
    TenantChanged = "tenant.changed",
    TenantCreated = "tenant.created",
    TenantReactivated = "tenant.reactivated",
    TenantSuspended = "tenant.suspended",
    /// A refresh token was shown that had been used before: its session is ended.
    TokenReuse = "token_reuse",
    UserChanged = "user.changed",
    UserCreated = "user.created",
    UserDeleted = "user.deleted",
    /// Or was refused.
    UserLoggedIn = "user.logged_in",
    /// A user's own; or they tried, and did not know the current one.
    PasswordChanged = "user.password_changed",
    UserReactivated = "user.reactivated",
    /// Somebody made themselves a user, without any role.
    UserRegistered = "user.registered",
    UserSuspended = "user.suspended",
    /// A dead letter is given up for good.
    EventDiscarded = "webhook_event.discarded",
    /// A dead letter is driven again.
    EventReplayed = "webhook_event.replayed",
    /// Dead letters that a filter found are driven again.
    EventsReplayed = "webhook_events.replayed",
    /// A tenant's claim on a WhatsApp number is approved.
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
    fn keys_are_unique() {
        let keys: BTreeSet<&str> = Action::ALL.iter().map(|action| action.key()).collect();
        assert_eq!(keys.len(), Action::ALL.len());
    }
}
