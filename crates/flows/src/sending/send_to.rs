use channels::AccountRepo;
use crm::identity::{GivenIdentity, IdentityKey};
use crm::inbox::OpenConversation;
use kernel::ids::{AccountId, ContactId, ConversationId};
use kernel::{Clock, MessagesSend, Permit};

use super::send_message::{MessageRequest, SendMessageError, send_message};
use super::{OutboundMessage, SendToTx};

/// To whom a message goes.
#[derive(Clone, Debug)]
pub enum Recipient {
    Contact(ContactId),
    /// A phone number, as a user writes it.
    Phone(GivenIdentity),
    /// Meta's id of a person for the business.
    Bsuid(String),
}

/// Sends a message to a person, in the open conversation with them or in a new one. A person who is not known becomes a contact.
///
/// # Errors
/// [`SendMessageError`].
pub async fn send_to(
    permit: Permit<MessagesSend>,
    tx: &mut dyn SendToTx,
    (account, recipient): (AccountId, Recipient),
    request: MessageRequest,
    clock: &dyn Clock,
) -> Result<OutboundMessage, SendMessageError> {
    let problem = "is not one of your WhatsApp accounts";
    let unknown = SendMessageError::Field { pointer: "/account_id", problem };
    let account = AccountRepo::account(tx, account).await?.ok_or(unknown)?;
    let contact = match recipient {
        Recipient::Contact(contact) => {
            let problem = "is not one of your contacts";
            let unknown = SendMessageError::Field { pointer: "/to/contact_id", problem };
            tx.contact(contact).await?.ok_or(unknown)?.id
        }
        Recipient::Phone(given) => {
            let countries = tx.phone_countries().await?;
            let problem = "is not a phone number that can be called from every country";
            let unknown = SendMessageError::Field { pointer: "/to/phone", problem };
            let key = given.into_key(&countries).map_err(|_| unknown)?;
            crm::find_or_create_contact(tx, key, clock).await?
        }
        Recipient::Bsuid(bsuid) => {
            let key = IdentityKey::bsuid(account.waba_id.as_str(), &bsuid);
            crm::find_or_create_contact(tx, key, clock).await?
        }
    };
    let wanted = OpenConversation { id: ConversationId::new(clock), account: account.id, contact };
    let open = tx.open_conversations(&[wanted], clock.now()).await?;
    let conversation = open.first().map_or(wanted.id, |conversation| conversation.id);
    send_message(permit, tx, conversation, request, clock).await
}
