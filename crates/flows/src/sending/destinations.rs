use std::collections::{BTreeMap, HashMap, HashSet};

use channels::AccountRepo;
use crm::identity::{IdentityKey, PhoneCountry};
use crm::inbox::OpenConversation;
use crm::{FoundContact, find_or_create_contacts};
use kernel::ids::{AccountId, ContactId, ConversationId};
use kernel::{Clock, StoreError};

use super::{Destination, Recipient, SendMessageError, StoreSendsTx};

/// The conversation to which a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) conversation: ConversationId,
    /// A contact or a conversation was stored for it, which must not stay if the message is refused.
    pub(super) has_stored: bool,
}

/// A person whose key or contact is known.
enum Person {
    Contact(ContactId),
    Key(IdentityKey),
}

/// Finds the conversations of all messages, and opens those that are missing.
///
/// # Errors
/// [`StoreError`]. A refusal is an answer.
pub(super) async fn find(
    tx: &mut dyn StoreSendsTx,
    destinations: &[&Destination],
    clock: &dyn Clock,
) -> Result<Vec<Result<Found, SendMessageError>>, StoreError> {
    let people: Vec<(AccountId, &Recipient)> = destinations.iter().filter_map(|it| it.person()).collect();
    let mut of_people = find_people(tx, &people, clock).await?.into_iter();
    let found = |destination: &&Destination| match destination {
        Destination::Conversation(conversation) => Ok(Found { conversation: *conversation, has_stored: false }),
        Destination::Person(..) => of_people.next().unwrap_or(Err(SendMessageError::NotFound)),
    };
    Ok(destinations.iter().map(found).collect())
}

async fn find_people(
    tx: &mut dyn StoreSendsTx,
    people: &[(AccountId, &Recipient)],
    clock: &dyn Clock,
) -> Result<Vec<Result<Found, SendMessageError>>, StoreError> {
    if people.is_empty() {
        return Ok(Vec::new());
    }
    let ids: HashSet<AccountId> = people.iter().map(|(account, _)| *account).collect();
    let accounts = AccountRepo::accounts_by_id(tx, &Vec::from_iter(ids)).await?;
    let is_phone = |(_, recipient): &(AccountId, &Recipient)| matches!(recipient, Recipient::Phone(_));
    let countries = if people.iter().any(is_phone) { tx.phone_countries().await? } else { Vec::new() };
    let mut wanted: Vec<Result<(AccountId, Person), SendMessageError>> = Vec::with_capacity(people.len());
    for (account, recipient) in people {
        let account = accounts.get(account).ok_or(field("/account_id", "is not one of your WhatsApp accounts"));
        wanted.push(account.and_then(|account| {
            person(recipient, account.waba_id.as_str(), &countries).map(|person| (account.id, person))
        }));
    }
    let contacts = contacts(tx, &wanted, clock).await?;
    let with_contact = |person: Result<(AccountId, Person), SendMessageError>| {
        let (account, person) = person?;
        match &person {
            Person::Contact(contact) => contacts.by_id.get(contact).map(|id| FoundContact { id: *id, is_new: false }),
            Person::Key(key) => contacts.by_key.get(key).copied(),
        }
        .map(|contact| (account, contact))
        .ok_or(field("/to/contact_id", "is not one of your contacts"))
    };
    open_conversations(tx, wanted.into_iter().map(with_contact).collect(), clock).await
}

fn person(recipient: &Recipient, waba_id: &str, countries: &[PhoneCountry]) -> Result<Person, SendMessageError> {
    Ok(match recipient {
        Recipient::Contact(contact) => Person::Contact(*contact),
        Recipient::Phone(given) => {
            let problem = "is not a phone number that can be called from every country";
            Person::Key(given.clone().into_key(countries).map_err(|_| field("/to/phone", problem))?)
        }
        Recipient::Bsuid(bsuid) => Person::Key(IdentityKey::bsuid(waba_id, bsuid)),
    })
}

struct Contacts {
    by_id: HashMap<ContactId, ContactId>,
    by_key: HashMap<IdentityKey, FoundContact>,
}

async fn contacts(
    tx: &mut dyn StoreSendsTx,
    people: &[Result<(AccountId, Person), SendMessageError>],
    clock: &dyn Clock,
) -> Result<Contacts, StoreError> {
    let (mut ids, mut keys) = (Vec::new(), Vec::new());
    for (_, person) in people.iter().flatten() {
        match person {
            Person::Contact(contact) => ids.push(*contact),
            Person::Key(key) => keys.push(key.clone()),
        }
    }
    let by_id = tx.contact_ids(&ids).await?;
    Ok(Contacts { by_id, by_key: find_or_create_contacts(tx, &keys, clock).await? })
}

async fn open_conversations(
    tx: &mut dyn StoreSendsTx,
    people: Vec<Result<(AccountId, FoundContact), SendMessageError>>,
    clock: &dyn Clock,
) -> Result<Vec<Result<Found, SendMessageError>>, StoreError> {
    // In one order: two transactions must not wait for each other.
    let mut wanted: BTreeMap<(AccountId, ContactId), OpenConversation> = BTreeMap::new();
    for (account, contact) in people.iter().flatten() {
        let open = OpenConversation { id: ConversationId::new(clock), account: *account, contact: contact.id };
        wanted.entry((*account, contact.id)).or_insert(open);
    }
    let all: Vec<OpenConversation> = wanted.values().copied().collect();
    if !all.is_empty() {
        for open in tx.open_conversations(&all, clock.now()).await? {
            if let Some(found) = wanted.get_mut(&(open.account, open.contact)) {
                found.id = open.id;
            }
        }
    }
    let new: HashSet<ConversationId> = all.iter().map(|conversation| conversation.id).collect();
    let found = |person: Result<(AccountId, FoundContact), SendMessageError>| {
        let (account, contact) = person?;
        let open = wanted.get(&(account, contact.id)).ok_or(SendMessageError::NotFound)?;
        Ok(Found { conversation: open.id, has_stored: contact.is_new || new.contains(&open.id) })
    };
    Ok(people.into_iter().map(found).collect())
}

const fn field(pointer: &'static str, problem: &'static str) -> SendMessageError {
    SendMessageError::Field { pointer, problem }
}

impl Destination {
    const fn person(&self) -> Option<(AccountId, &Recipient)> {
        match self {
            Self::Conversation(_) => None,
            Self::Person(account, recipient) => Some((*account, recipient)),
        }
    }
}
