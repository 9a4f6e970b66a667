//! Contact cards.

use kernel::ContentPartKind as Kind;

use super::builder::{ContentBuilder, joined};
use crate::json::Object;

pub(super) fn cards(content: &mut ContentBuilder, cards: &[Object<'_>]) {
    for card in cards {
        self::card(content, card);
    }
}

fn card(content: &mut ContentBuilder, card: &Object<'_>) {
    let name = card.object("name").unwrap_or_default();
    let in_full = || joined([name.text("first_name"), name.text("last_name")], " ");
    content.say(Kind::Name, "Name", name.text("formatted_name").or_else(in_full));
    for phone in card.objects("phones") {
        content.say(Kind::Phone, &labelled("Phone", &phone), phone.text("phone").or_else(|| phone.text("wa_id")));
    }
    for email in card.objects("emails") {
        content.say(Kind::Email, &labelled("Email", &email), email.text("email"));
    }
    for address in card.objects("addresses") {
        let country = address.text("country").or_else(|| Some(address.text("country_code")?.to_uppercase()));
        let lines = ["street", "city", "state", "zip"].map(|key| address.text(key));
        let value = joined(lines.into_iter().chain([country]), ", ");
        content.say(Kind::Address, &labelled("Address", &address), value);
    }
    let organization = card.object("org").unwrap_or_default();
    let value = joined(["company", "department", "title"].map(|key| organization.text(key)), ", ");
    content.say(Kind::Organization, "Organization", value);
    for url in card.objects("urls") {
        content.say(Kind::Url, &labelled("Link", &url), url.text("url"));
    }
    content.say(Kind::Date, "Birthday", card.text("birthday"));
}

/// `Phone (work)`.
fn labelled(label: &str, entry: &Object<'_>) -> String {
    entry.text("type").map_or_else(|| label.to_owned(), |kind| format!("{label} ({})", kind.to_lowercase()))
}
