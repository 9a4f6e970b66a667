mod hit;
mod query;

use kernel::{CrmRead, PageLimit, Permit, StoreError};

use crate::SearchRepo;

pub use hit::{ContactHit, ContactMatch, MessageHit, SearchHit};
pub use query::{InvalidSearch, SearchQuery};

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
    let in_countries = match query.number_end() {
        Some(_) => &query.clone().in_countries(&repo.phone_countries().await?),
        None => query,
    };
    let contacts = repo.search_contacts(in_countries, limit).await?;
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
