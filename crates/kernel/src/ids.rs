//! Typed ids: UUIDv7, made from the injected clock, so that they sort by creation.

/// Defines a newtype around [`uuid::Uuid`] for the ids of one kind of entity.
#[macro_export]
macro_rules! define_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// Smaller than all ids.
            pub const NIL: Self = Self(uuid::Uuid::nil());

            /// A new id at the clock's time.
            #[must_use]
            pub fn new(clock: &dyn $crate::Clock) -> Self {
                Self(clock.new_id())
            }

            #[must_use]
            pub const fn from_uuid(value: uuid::Uuid) -> Self {
                Self(value)
            }

            #[must_use]
            pub const fn as_uuid(self) -> uuid::Uuid {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            /// With hyphens, as ids are shown; other spellings of a UUID are refused.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse::<uuid::fmt::Hyphenated>().map(|id| Self(id.into_uuid()))
            }
        }
    };
}

define_id!(
    /// A business that uses Parley. All of its data is isolated from other tenants.
    TenantId
);
define_id!(
    /// A user of one tenant.
    UserId
);
define_id!(
    /// A set of permissions within one tenant.
    RoleId
);
define_id!(
    /// One login of one user.
    SessionId
);
define_id!(
    /// A WhatsApp number that a tenant connected.
    AccountId
);
define_id!(
    /// A Meta app that belongs to a tenant.
    MetaAppId
);
define_id!(
    /// One webhook event from Meta: a message, a status or another change.
    EventId
);
define_id!(
    /// A job of a tenant: durable work of one kind on one subject.
    JobId
);
define_id!(
    /// One job runner, from its start to its end.
    JobRunnerId
);
define_id!(
    /// A customer of a tenant.
    ContactId
);
define_id!(
    /// A conversation between one account and one contact.
    ConversationId
);
define_id!(
    /// One message of a conversation.
    MessageId
);
define_id!(
    /// Something that is sent to Meta: a message, a reaction, a read receipt.
    SendId
);
define_id!(
    /// A process that sends.
    SenderId
);
define_id!(
    /// One entry of a contact's history.
    InteractionId
);
define_id!(
    /// A tenant's invoice for a period.
    InvoiceId
);
define_id!(
    /// One record of an audit log.
    AuditRecordId
);
define_id!(
    /// An operator's API key.
    ProvisioningKeyId
);
define_id!(
    /// A tenant's API key.
    ApiKeyId
);
define_id!(
    /// A file: received, or uploaded to be sent.
    MediaId
);
define_id!(
    /// A file that Meta is to get for a number.
    MediaUploadId
);
define_id!(
    /// A message template in one language, of one business account.
    TemplateId
);
