use chrono::{DateTime, Utc};
use kernel::ids::{ContactId, ConversationId, MessageId};
use kernel::{CrmRead, PageLimit, Permit, StoreError};

use crate::identity::IdentityKey;
use crate::{Contact, Direction, SearchRepo};

/// A search text entered by a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchQuery {
    text: String,
    phones: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSearch {
    #[error("must have at least {} letters or digits", SearchQuery::MIN_CHARACTERS)]
    TooShort,
    #[error("must have at most {} characters", SearchQuery::MAX_CHARACTERS)]
    TooLong,
}

impl SearchQuery {
    /// Counts letters and digits. A single character is a prefix of too many words.
    pub const MIN_CHARACTERS: usize = 2;
    /// Counts all characters.
    pub const MAX_CHARACTERS: usize = 200;
    /// Fewer digits are a prefix of too many numbers.
    const MIN_DIGITS: usize = 3;

    /// # Errors
    /// [`InvalidSearch`].
    pub fn parse(text: &str) -> Result<Self, InvalidSearch> {
        let text = text.trim();
        if text.chars().count() > Self::MAX_CHARACTERS {
            return Err(InvalidSearch::TooLong);
        }
        // The database splits the text into words; a control character separates words.
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if text.chars().filter(|c| c.is_alphanumeric()).count() < Self::MIN_CHARACTERS {
            return Err(InvalidSearch::TooShort);
        }
        Ok(Self { phones: phones(&text), text })
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The prefixes of phone numbers, as digits, that the text may mean; empty if it is no number.
    #[must_use]
    pub fn phones(&self) -> &[String] {
        &self.phones
    }
}

/// Accepts `+`, `00` or nothing before the country code. Yields both spellings of a number that has two.
fn phones(text: &str) -> Vec<String> {
    let is_allowed = |c: char| c.is_ascii_digit() || " +-.()/".contains(c);
    let Some(key) = IdentityKey::phone(text).filter(|_| text.chars().all(is_allowed)) else { return Vec::new() };
    let key = match key.value.strip_prefix("00") {
        Some(international) => IdentityKey { value: international.to_owned(), ..key },
        None => key,
    };
    let spellings = [key.other_spelling(), Some(key)].into_iter().flatten().map(|key| key.value);
    spellings.filter(|digits| (SearchQuery::MIN_DIGITS..=15).contains(&digits.len())).collect()
}

/// A result of a search.
#[derive(Clone, Debug)]
pub enum SearchHit {
    Contact(ContactHit),
    Message(MessageHit),
}

#[derive(Clone, Debug)]
pub struct ContactHit {
    pub contact: Contact,
    pub by: ContactMatch,
}

/// The field of a contact that matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactMatch {
    Phone,
    Name,
    Username,
}

#[derive(Clone, Debug)]
pub struct MessageHit {
    pub id: MessageId,
    /// `None` for a message in a group.
    pub conversation: Option<ConversationId>,
    pub contact: ContactId,
    pub contact_display_name: String,
    pub direction: Direction,
    pub text: String,
    pub provider_timestamp: DateTime<Utc>,
}

/// Searches contacts and messages. Returns contacts before messages, and some of both if both match.
///
/// # Errors
/// [`StoreError`].
pub async fn search(
    _permit: Permit<CrmRead>,
    repo: &mut dyn SearchRepo,
    query: &SearchQuery,
    limit: PageLimit,
) -> Result<Vec<SearchHit>, StoreError> {
    let contacts = repo.search_contacts(query, limit).await?;
    let messages = repo.search_messages(query, limit).await?;
    let share = contacts_shown(contacts.len(), messages.len(), limit.get());
    let contacts = contacts.into_iter().take(share).map(SearchHit::Contact);
    Ok(contacts.chain(messages.into_iter().map(SearchHit::Message)).take(limit.get()).collect())
}

/// How many contacts are returned: half of the limit, or more if there are too few messages.
fn contacts_shown(contacts: usize, messages: usize, limit: usize) -> usize {
    contacts.min(limit.div_ceil(2).max(limit.saturating_sub(messages)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_without_two_letters_or_digits_is_rejected() {
        for text in ["", " ", "a", "%", "\"\"", "'", "a%", "_ _", "- 7", "é", "👍👍👍", "\0\0"] {
            assert_eq!(SearchQuery::parse(text), Err(InvalidSearch::TooShort), "{text:?}");
        }
        assert_eq!(SearchQuery::parse(&"x".repeat(201)), Err(InvalidSearch::TooLong));
        assert_eq!(SearchQuery::parse(&"x".repeat(10_240)), Err(InvalidSearch::TooLong));
        for text in ["ab", "né", "the", "'' or 1=1 --", &"x".repeat(200), " 漢字 "] {
            assert_eq!(SearchQuery::parse(text).unwrap().text(), text.trim());
        }
        assert_eq!(SearchQuery::parse("ab\0cd").unwrap().text(), "ab cd");
    }

    #[test]
    fn number_in_any_notation_yields_its_digits() {
        let phones = |text: &str| SearchQuery::parse(text).unwrap().phones().to_vec();
        for text in ["+49 151 23", "0049 (151) 23", "4915123", "49-151/23", "4.915.123"] {
            assert_eq!(phones(text), ["4915123"], "{text}");
        }
        assert_eq!(phones("5511987654321"), ["551187654321", "5511987654321"]);
        for text in ["12", "+1 5", "room 151", "1,000", "12345678901234567"] {
            assert!(phones(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn contacts_take_at_most_what_messages_leave() {
        for (contacts, messages, limit, shown) in [
            (3, 9, 10, 3),
            (10, 10, 10, 5),
            (10, 2, 10, 8),
            (10, 0, 10, 10),
            (10, 10, 1, 1),
            (0, 10, 10, 0),
            (9, 9, 9, 5),
        ] {
            assert_eq!(contacts_shown(contacts, messages, limit), shown, "{contacts} {messages} {limit}");
        }
    }
}
