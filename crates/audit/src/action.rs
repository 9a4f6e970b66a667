use strum::{IntoStaticStr, VariantArray};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(const_into_str)]
pub enum Action {
    #[strum(serialize = "api_key.changed")]
    ApiKeyChanged,
    #[strum(serialize = "api_key.created")]
    ApiKeyCreated,
    #[strum(serialize = "api_key.revoked")]
    ApiKeyRevoked,
    /// An API key got its next secret.
    #[strum(serialize = "api_key.rotated")]
    ApiKeyRotated,
    /// Old records of an audit log were replaced by their summary.
    #[strum(serialize = "audit_log.purged")]
    AuditLogPurged,
    /// A contact and its conversations were deleted.
    #[strum(serialize = "contact.deleted")]
    ContactDeleted,
    /// Two contacts were merged.
    #[strum(serialize = "contact.merged")]
    ContactMerged,
    #[strum(serialize = "invoice.closed")]
    InvoiceClosed,
    #[strum(serialize = "invoice.paid")]
    InvoicePaid,
    /// A job that failed for good was discarded.
    #[strum(serialize = "job.discarded")]
    JobDiscarded,
    /// A job that failed for good was made due.
    #[strum(serialize = "job.retried")]
    JobRetried,
    /// A message that had not left was canceled.
    #[strum(serialize = "message.canceled")]
    MessageCanceled,
    /// A message that had not left was changed.
    #[strum(serialize = "message.changed")]
    MessageChanged,
    /// A message that failed, or may not have been sent, was dismissed.
    #[strum(serialize = "message.dismissed")]
    MessageDismissed,
    /// A message that failed, or may not have been sent, was sent again.
    #[strum(serialize = "message.resent")]
    MessageResent,
    /// A user was given a role.
    #[strum(serialize = "membership.granted")]
    MembershipGranted,
    /// A role was taken from a user.
    #[strum(serialize = "membership.revoked")]
    MembershipRevoked,
    #[strum(serialize = "meta_app.changed")]
    MetaAppChanged,
    #[strum(serialize = "meta_app.created")]
    MetaAppCreated,
    #[strum(serialize = "meta_app.deleted")]
    MetaAppDeleted,
    /// A caller without the needed scope called an operators' endpoint.
    #[strum(serialize = "operator.refused")]
    OperatorRefused,
    /// A plan was added to the catalogue, changed, or withdrawn.
    #[strum(serialize = "plan.changed")]
    PlanChanged,
    #[strum(serialize = "provisioning_key.created")]
    ProvisioningKeyCreated,
    #[strum(serialize = "provisioning_key.revoked")]
    ProvisioningKeyRevoked,
    #[strum(serialize = "role.changed")]
    RoleChanged,
    #[strum(serialize = "role.created")]
    RoleCreated,
    #[strum(serialize = "role.deleted")]
    RoleDeleted,
    /// Sessions of a user were ended before they expired.
    #[strum(serialize = "sessions.ended")]
    SessionsEnded,
    /// A signing key was created or changed its state.
    #[strum(serialize = "signing_key.moved")]
    SigningKeyMoved,
    /// The private key of a signing key was sealed with another key-encryption key.
    #[strum(serialize = "signing_key.resealed")]
    SigningKeyResealed,
    /// A tenant chose another plan, or the subscription ended.
    #[strum(serialize = "subscription.changed")]
    SubscriptionChanged,
    #[strum(serialize = "template.created")]
    TemplateCreated,
    #[strum(serialize = "template.deleted")]
    TemplateDeleted,
    #[strum(serialize = "template.edited")]
    TemplateEdited,
    #[strum(serialize = "tenant.changed")]
    TenantChanged,
    #[strum(serialize = "tenant.created")]
    TenantCreated,
    #[strum(serialize = "tenant.reactivated")]
    TenantReactivated,
    #[strum(serialize = "tenant.suspended")]
    TenantSuspended,
    /// A used refresh token was presented again; its session was ended.
    #[strum(serialize = "token_reuse")]
    TokenReuse,
    #[strum(serialize = "user.changed")]
    UserChanged,
    #[strum(serialize = "user.created")]
    UserCreated,
    #[strum(serialize = "user.deleted")]
    UserDeleted,
    /// A login succeeded or was refused.
    #[strum(serialize = "user.logged_in")]
    UserLoggedIn,
    /// A user changed their password, or was refused because the current password was wrong.
    #[strum(serialize = "user.password_changed")]
    PasswordChanged,
    #[strum(serialize = "user.reactivated")]
    UserReactivated,
    /// A person registered as a user, without a role.
    #[strum(serialize = "user.registered")]
    UserRegistered,
    #[strum(serialize = "user.suspended")]
    UserSuspended,
    /// A dead letter was discarded.
    #[strum(serialize = "webhook_event.discarded")]
    EventDiscarded,
    /// A dead letter was replayed.
    #[strum(serialize = "webhook_event.replayed")]
    EventReplayed,
    /// Dead letters that match a filter were replayed.
    #[strum(serialize = "webhook_events.replayed")]
    EventsReplayed,
    /// Events that match a filter were discarded.
    #[strum(serialize = "webhook_events.discarded")]
    EventsDiscarded,
    /// A tenant's connection of a WhatsApp number was approved.
    #[strum(serialize = "whatsapp_account.approved")]
    AccountApproved,
    #[strum(serialize = "whatsapp_account.changed")]
    AccountChanged,
    #[strum(serialize = "whatsapp_account.connected")]
    AccountConnected,
    #[strum(serialize = "whatsapp_account.disconnected")]
    AccountDisconnected,
    /// A person ended the pauses of what a number sends.
    #[strum(serialize = "whatsapp_account.resumed")]
    AccountResumed,
}

impl Action {
    pub const ALL: &'static [Self] = Self::VARIANTS;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn action_names_are_unique() {
        let keys: BTreeSet<&str> = Action::ALL.iter().map(Action::into_str).collect();
        assert_eq!(keys.len(), Action::ALL.len());
    }
}
