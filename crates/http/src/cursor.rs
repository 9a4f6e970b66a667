//! List cursors: opaque to clients, and valid only for the list and tenant that they were issued for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use kernel::ids::{ContactId, ConversationId, TenantId, UserId};
use kernel::seal::derive_key;
use kernel::{Arrival, Cursor};
use ring::hmac;
use secrecy::SecretSlice;
use uuid::Uuid;

use crate::problem::{Code, Problem};

/// Key that signs cursors.
#[derive(Clone, Debug)]
pub struct CursorKey(hmac::Key);

/// Identifies a list of one tenant, or of the operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListId {
    pub(crate) kind: ListKind,
    pub(crate) tenant: TenantId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListKind {
    Users,
    ApiKeys,
    ApiKeysOf(UserId),
    Roles,
    Memberships(UserId),
    Sessions(UserId),
    WhatsAppAccounts,
    MetaApps,
    Templates,
    Contacts,
    Conversations,
    Messages(ConversationId),
    ContactMessages(ContactId),
    Interactions(ContactId),
    Invoices,
    WebhookEvents,
    Jobs,
    AuditLog,
    Tenants,
}

const TIME_BYTES: usize = 8;
const ID_BYTES: usize = 16;
/// Only where it is not zero.
const ARRIVAL_BYTES: usize = 8;
/// Of HMAC with SHA-256.
const TAG_BYTES: usize = 32;

impl CursorKey {
    /// Cursors signed with another secret are invalid: clients then read the list from its start.
    #[must_use]
    pub fn derive(secret: &SecretSlice<u8>) -> Self {
        Self(derive_key(secret, "parley cursor v1"))
    }

    pub(crate) fn encode(&self, list: ListId, cursor: Cursor) -> String {
        let mut bytes = Vec::with_capacity(TIME_BYTES + ID_BYTES + ARRIVAL_BYTES + TAG_BYTES);
        bytes.extend_from_slice(&cursor.time.timestamp_micros().to_be_bytes());
        bytes.extend_from_slice(cursor.id.as_bytes());
        if cursor.arrival != Arrival::ZERO {
            bytes.extend_from_slice(&cursor.arrival.get().to_be_bytes());
        }
        let tag = hmac::sign(&self.0, &list.signed_bytes(&bytes));
        bytes.extend_from_slice(tag.as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// # Errors `invalid_cursor` if the cursor is malformed, altered, or of another list or tenant.
    pub(crate) fn decode(&self, list: ListId, text: &str) -> Result<Cursor, Problem> {
        self.try_decode(list, text).ok_or_else(|| Problem::new(Code::InvalidCursor))
    }

    fn try_decode(&self, list: ListId, text: &str) -> Option<Cursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (position, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG_BYTES)?)?;
        hmac::verify(&self.0, &list.signed_bytes(position), tag).ok()?;
        let (time, rest) = position.split_at_checked(TIME_BYTES)?;
        let (id, arrival) = rest.split_at_checked(ID_BYTES)?;
        // Cursors of earlier versions have no arrival.
        let arrival = if arrival.is_empty() { 0 } else { i64::from_be_bytes(arrival.try_into().ok()?) };
        Some(Cursor {
            time: DateTime::from_timestamp_micros(i64::from_be_bytes(time.try_into().ok()?))?,
            arrival: Arrival::new(arrival),
            id: Uuid::from_slice(id).ok()?,
        })
    }
}

impl ListId {
    /// A list of the operators. No tenant has the nil id.
    pub(crate) const fn for_operators(kind: ListKind) -> Self {
        Self { kind, tenant: TenantId::from_uuid(Uuid::nil()) }
    }

    /// The signed bytes. The name ends with a zero byte and all other parts have fixed lengths, so no two lists produce
    /// the same bytes.
    fn signed_bytes(self, position: &[u8]) -> Vec<u8> {
        let mut bytes = self.kind.name().as_bytes().to_vec();
        bytes.push(0);
        match self.kind {
            ListKind::Messages(conversation) => bytes.extend_from_slice(conversation.as_uuid().as_bytes()),
            ListKind::Interactions(contact) | ListKind::ContactMessages(contact) => {
                bytes.extend_from_slice(contact.as_uuid().as_bytes());
            }
            ListKind::Sessions(user) | ListKind::Memberships(user) | ListKind::ApiKeysOf(user) => {
                bytes.extend_from_slice(user.as_uuid().as_bytes());
            }
            ListKind::Users
            | ListKind::ApiKeys
            | ListKind::Roles
            | ListKind::WhatsAppAccounts
            | ListKind::MetaApps
            | ListKind::Templates
            | ListKind::Contacts
            | ListKind::Conversations
            | ListKind::Invoices
            | ListKind::WebhookEvents
            | ListKind::Jobs
            | ListKind::AuditLog
            | ListKind::Tenants => {}
        }
        bytes.extend_from_slice(self.tenant.as_uuid().as_bytes());
        bytes.extend_from_slice(position);
        bytes
    }
}

impl ListKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::ApiKeys => "api_keys",
            Self::ApiKeysOf(_) => "api_keys_of",
            Self::Roles => "roles",
            Self::Memberships(_) => "memberships",
            Self::Sessions(_) => "sessions",
            Self::WhatsAppAccounts => "whatsapp_accounts",
            Self::MetaApps => "meta_apps",
            Self::Templates => "templates",
            Self::Contacts => "contacts",
            Self::Conversations => "conversations",
            Self::Messages(_) => "messages",
            Self::ContactMessages(_) => "contact_messages",
            Self::Interactions(_) => "interactions",
            Self::Invoices => "invoices",
            Self::WebhookEvents => "webhook_events",
            Self::Jobs => "jobs",
            Self::AuditLog => "audit_log",
            Self::Tenants => "tenants",
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use kernel::SystemClock;

    use super::*;

    fn key(byte: u8) -> CursorKey {
        CursorKey::derive(&vec![byte; 32].into())
    }

    #[test]
    fn cursor_is_valid_for_its_own_list_only() {
        let clock = SystemClock::new();
        let (tenant, conversation) = (TenantId::new(&clock), ConversationId::new(&clock));
        let list = ListId { kind: ListKind::Messages(conversation), tenant };
        let cursor = Cursor::new(DateTime::UNIX_EPOCH + TimeDelta::microseconds(1_234_567), Uuid::from_u128(7));
        let text = key(1).encode(list, cursor);
        assert_eq!(key(1).decode(list, &text).unwrap(), cursor);
        let arrived = Cursor { arrival: Arrival::new(5), ..cursor };
        assert_eq!(key(1).decode(list, &key(1).encode(list, arrived)).unwrap(), arrived);

        let refused = |key: &CursorKey, list| key.decode(list, &text).unwrap_err().code() == Code::InvalidCursor;
        assert!(refused(&key(2), list));
        assert!(refused(&key(1), ListId { tenant: TenantId::new(&clock), ..list }));
        for kind in [ListKind::Contacts, ListKind::Conversations, ListKind::Messages(ConversationId::new(&clock))] {
            assert!(refused(&key(1), ListId { kind, ..list }), "{kind:?}");
        }
    }

    #[test]
    fn altered_cursor_is_refused() {
        let list = ListId { kind: ListKind::Contacts, tenant: TenantId::new(&SystemClock::new()) };
        let text = key(1).encode(list, Cursor::new(DateTime::UNIX_EPOCH, Uuid::nil()));
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(key(1).decode(list, &URL_SAFE_NO_PAD.encode(changed)).is_err(), "byte {at}");
        }
        for text in ["", "x", "null", &text[1..], &format!("{text}A"), &format!("{text}="), &"A".repeat(10_000)] {
            assert!(key(1).decode(list, text).is_err(), "{text}");
        }
    }
}
