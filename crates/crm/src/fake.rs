//! In-memory repositories for the unit tests of this crate's use cases.

mod contacts;
mod conversations;
mod identities;
mod inbox;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use chrono::{DateTime, Utc};
use kernel::ids::{AccountId, ContactId, TenantId, UserId};
use kernel::{Arrival, CrmWrite, Direction, ManualClock, Origin, Permit, TenantScope};

use crate::identity::{GivenIdentity, IdentityChange, IdentityKey, IdentityRecord, Person};
use crate::inbox::{Batch, IncomingMessage, Lock, MessageState, NewMessage, NewUpdate, RecordedBatch, record_batch};
use crate::{Contact, Conversation, CreateContact, Interaction, MarketingConsent, create_contact};

/// What the database holds of one tenant.
#[derive(Debug)]
pub(crate) struct FakeStore {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) user: UserId,
    pub(crate) contacts: BTreeMap<ContactId, Contact>,
    pub(crate) redirects: HashMap<ContactId, ContactId>,
    pub(crate) identities: Vec<IdentityRecord>,
    /// Changes of identities, and whether each was applied.
    pub(crate) changes: Vec<(IdentityChange, bool)>,
    pub(crate) sightings: Vec<Person>,
    pub(crate) erased: HashMap<IdentityKey, DateTime<Utc>>,
    pub(crate) conversations: Vec<Conversation>,
    pub(crate) messages: Vec<(NewMessage, MessageState)>,
    pub(crate) updates: Vec<NewUpdate>,
    pub(crate) interactions: Vec<Interaction>,
    pub(crate) windows: HashMap<(AccountId, ContactId), DateTime<Utc>>,
    pub(crate) consent_at: HashMap<ContactId, DateTime<Utc>>,
    pub(crate) named_by_user: HashSet<ContactId>,
    pub(crate) locks: Vec<Lock>,
}

impl FakeStore {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::starting_at(at(0)));
        Self {
            user: UserId::new(&*clock),
            clock,
            contacts: BTreeMap::new(),
            redirects: HashMap::new(),
            identities: Vec::new(),
            changes: Vec::new(),
            sightings: Vec::new(),
            erased: HashMap::new(),
            conversations: Vec::new(),
            messages: Vec::new(),
            updates: Vec::new(),
            interactions: Vec::new(),
            windows: HashMap::new(),
            consent_at: HashMap::new(),
            named_by_user: HashSet::new(),
            locks: Vec::new(),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "unit tests of use cases that demand a permit")]
    pub(crate) fn permit(&self) -> Permit<CrmWrite> {
        Permit::new(TenantScope::mint(TENANT), self.user.into())
    }

    /// Creates a contact with a name and phone numbers.
    pub(crate) fn contact_named(&mut self, name: &str, phones: &[&str]) -> Contact {
        let new = CreateContact {
            display_name: crate::ContactName::parse(name).ok(),
            identities: phones.iter().map(|phone| GivenIdentity::Key(IdentityKey::phone(phone).unwrap())).collect(),
            attributes: crate::Attributes::default(),
            language: None,
            marketing_consent: MarketingConsent::Unknown,
        };
        let (permit, clock) = (self.permit(), self.clock.clone());
        run(create_contact(permit, self, new, &*clock)).unwrap()
    }

    pub(crate) fn record(&mut self, batch: Batch) -> RecordedBatch {
        let clock = self.clock.clone();
        run(record_batch(self, batch, &*clock)).unwrap()
    }

    pub(crate) fn resolve_id(&self, id: ContactId) -> ContactId {
        self.redirects.get(&id).copied().unwrap_or(id)
    }

    /// The texts of all interactions, in the order in which they were stored.
    pub(crate) fn history(&self) -> Vec<&str> {
        self.interactions.iter().map(|interaction| interaction.text.as_str()).collect()
    }
}

/// Runs a use case on in-memory repositories, which never wait.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("an in-memory repository never waits"),
    }
}

/// A time in whole seconds, as WhatsApp gives them.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

/// The account of all messages in unit tests.
pub(crate) const ACCOUNT: AccountId = AccountId::from_uuid(uuid::Uuid::from_u128(1));

const TENANT: TenantId = TenantId::from_uuid(uuid::Uuid::from_u128(2));

/// A customer with a phone number.
pub(crate) fn customer(phone: &str, seen_at: DateTime<Utc>) -> Person {
    Person { phones: vec![IdentityKey::phone(phone).unwrap()], ..Person::unknown(seen_at) }
}

/// A live text message of a customer; its text is its id.
pub(crate) fn message(wamid: &str, phone: &str, sent_at: DateTime<Utc>) -> IncomingMessage {
    IncomingMessage {
        account: ACCOUNT,
        wamid: wamid.to_owned(),
        direction: Direction::Inbound,
        origin: Origin::Live,
        customer: customer(phone, sent_at),
        group_id: None,
        kind: "text".to_owned(),
        text: wamid.to_owned(),
        parts: Vec::new(),
        media: None,
        reply_to: None,
        forwarded: None,
        referral: None,
        payload: "{}".to_owned(),
        delivery: None,
        provider_timestamp: sent_at,
        arrival: Arrival::ZERO,
    }
}
