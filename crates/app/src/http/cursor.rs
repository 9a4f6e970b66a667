//! The cursors of lists: opaque to clients, and of no use anywhere but where they were given out.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use kernel::Cursor;
use kernel::ids::{ContactId, ConversationId, TenantId, UserId};
use kernel::seal::derive_key;
use ring::hmac;
use secrecy::SecretSlice;
use uuid::Uuid;

use crate::http::problem::{Code, Problem};

/// What cursors are signed with.
#[derive(Clone, Debug)]
pub struct CursorKey(hmac::Key);

/// A list of one tenant, or of the operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) kind: ListKind,
    pub(crate) tenant: TenantId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListKind {
    Users,
    Roles,
    Memberships(UserId),
    Sessions(UserId),
    WhatsAppAccounts,
    MetaApps,
    Contacts,
    Conversations,
    Messages(ConversationId),
    Interactions(ContactId),
    Invoices,
    WebhookEvents,
    AuditLog,
    Tenants,
}

const TIME: usize = 8;
const ID: usize = 16;

impl CursorKey {
    /// Cursors that were given out under another secret are invalid: lists are then read from their start.
    #[must_use]
    pub fn derive(secret: &SecretSlice<u8>) -> Self {
        Self(derive_key(secret, "parley cursor v1"))
    }

    pub(crate) fn seal(&self, list: List, cursor: Cursor) -> String {
        let mut bytes = Vec::with_capacity(TIME + ID + hmac::HMAC_SHA256.digest_algorithm().output_len());
        bytes.extend_from_slice(&cursor.time.timestamp_micros().to_be_bytes());
        bytes.extend_from_slice(cursor.id.as_bytes());
        let tag = hmac::sign(&self.0, &list.signed(&bytes));
        bytes.extend_from_slice(tag.as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// # Errors
    /// `invalid_cursor` for one that is malformed, changed, or of another list or tenant.
    pub(crate) fn open(&self, list: List, text: &str) -> Result<Cursor, Problem> {
        self.try_open(list, text).ok_or_else(|| Problem::new(Code::InvalidCursor))
    }

    fn try_open(&self, list: List, text: &str) -> Option<Cursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (place, tag) = bytes.split_at_checked(TIME + ID)?;
        hmac::verify(&self.0, &list.signed(place), tag).ok()?;
        let (time, id) = place.split_at_checked(TIME)?;
        Some(Cursor {
            time: DateTime::from_timestamp_micros(i64::from_be_bytes(time.try_into().ok()?))?,
            id: Uuid::from_slice(id).ok()?,
        })
    }
}

impl List {
    /// A list that belongs to no tenant. No tenant's id is zero.
    pub(crate) const fn of_operators(kind: ListKind) -> Self {
        Self { kind, tenant: TenantId::from_uuid(Uuid::nil()) }
    }

    /// What the signature is over. All parts but the name have fixed lengths, and the name ends with a zero byte: no two
    /// lists give the same bytes.
    fn signed(self, place: &[u8]) -> Vec<u8> {
        let mut bytes = self.kind.name().as_bytes().to_vec();
        bytes.push(0);
        match self.kind {
            ListKind::Messages(conversation) => bytes.extend_from_slice(conversation.as_uuid().as_bytes()),
            ListKind::Interactions(contact) => bytes.extend_from_slice(contact.as_uuid().as_bytes()),
            ListKind::Sessions(user) | ListKind::Memberships(user) => {
                bytes.extend_from_slice(user.as_uuid().as_bytes());
            }
            ListKind::Users
            | ListKind::Roles
            | ListKind::WhatsAppAccounts
            | ListKind::MetaApps
            | ListKind::Contacts
            | ListKind::Conversations
            | ListKind::Invoices
            | ListKind::WebhookEvents
            | ListKind::AuditLog
            | ListKind::Tenants => {}
        }
        bytes.extend_from_slice(self.tenant.as_uuid().as_bytes());
        bytes.extend_from_slice(place);
        bytes
    }
}

impl ListKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Roles => "roles",
            Self::Memberships(_) => "memberships",
            Self::Sessions(_) => "sessions",
            Self::WhatsAppAccounts => "whatsapp_accounts",
            Self::MetaApps => "meta_apps",
            Self::Contacts => "contacts",
            Self::Conversations => "conversations",
            Self::Messages(_) => "messages",
            Self::Interactions(_) => "interactions",
            Self::Invoices => "invoices",
            Self::WebhookEvents => "webhook_events",
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
    fn opens_where_it_was_given_out_and_nowhere_else() {
        let clock = SystemClock::new();
        let (tenant, conversation) = (TenantId::new(&clock), ConversationId::new(&clock));
        let list = List { kind: ListKind::Messages(conversation), tenant };
        let cursor = Cursor { time: DateTime::UNIX_EPOCH + TimeDelta::microseconds(1_234_567), id: Uuid::from_u128(7) };
        let text = key(1).seal(list, cursor);
        assert_eq!(key(1).open(list, &text).unwrap(), cursor);

        let refused = |key: &CursorKey, list| key.open(list, &text).unwrap_err().code() == Code::InvalidCursor;
        assert!(refused(&key(2), list));
        assert!(refused(&key(1), List { tenant: TenantId::new(&clock), ..list }));
        for kind in [ListKind::Contacts, ListKind::Conversations, ListKind::Messages(ConversationId::new(&clock))] {
            assert!(refused(&key(1), List { kind, ..list }), "{kind:?}");
        }
    }

    #[test]
    fn a_changed_one_is_refused() {
        let list = List { kind: ListKind::Contacts, tenant: TenantId::new(&SystemClock::new()) };
        let text = key(1).seal(list, Cursor { time: DateTime::UNIX_EPOCH, id: Uuid::nil() });
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(key(1).open(list, &URL_SAFE_NO_PAD.encode(changed)).is_err(), "byte {at}");
        }
        for text in ["", "x", "null", &text[1..], &format!("{text}A"), &format!("{text}="), &"A".repeat(10_000)] {
            assert!(key(1).open(list, text).is_err(), "{text}");
        }
    }
}
