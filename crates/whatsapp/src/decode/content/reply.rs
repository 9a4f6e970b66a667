//! What a customer tapped, chose or filled in, and messages of types that are not known yet.

use kernel::ContentPartKind as Kind;

use super::builder::ContentBuilder;
use super::{business, form};
use crate::json::{Object, text};

/// Members that say what a message or a choice is, in the order in which they are looked for.
const TITLES: [&str; 6] = ["question", "title", "body", "text", "name", "option_name"];
/// Lists of what may be chosen, or was.
const CHOICES: [&str; 5] = ["options", "choices", "answers", "selected_options", "votes"];

pub(super) fn interactive(content: &mut ContentBuilder, body: &Object<'_>) {
    let kind = body.text("type").unwrap_or_default();
    let reply = body.object(&kind).unwrap_or_default();
    match kind.as_str() {
        "nfm_reply" => form::form(content, &reply),
        "call_permission_reply" => content.line(match reply.text("response").as_deref() {
            Some("accept") => Some("Calls allowed".to_owned()),
            Some("reject") => Some("Calls not allowed".to_owned()),
            _ => None,
        }),
        "payment_method" => content.line(reply.text("payment_method").map(|how| format!("Payment: {how}"))),
        _ => {
            any(content, Kind::Title, &reply);
            business::interactive(content, body);
        }
    }
}

/// A title or a question, its description, and what may be chosen.
pub(super) fn any(content: &mut ContentBuilder, kind: Kind, body: &Object<'_>) {
    let question = body.text("question").is_some() || kind == Kind::Question;
    let (kind, label) = if question { (Kind::Question, "Question") } else { (Kind::Title, "Title") };
    content.say(kind, label, title(body));
    content.say(Kind::Description, "Description", body.text("description"));
    for choice in CHOICES.iter().flat_map(|list| body.array(list)) {
        let chosen = text(choice).filter(|text| !text.is_empty());
        content.say(Kind::Option, "Option", chosen.or_else(|| title(&Object::parse(choice.get())?)));
    }
    content.say(Kind::Product, "Product", body.text("product_retailer_id"));
}

fn title(object: &Object<'_>) -> Option<String> {
    TITLES.iter().find_map(|key| object.text(key).or_else(|| object.object(key)?.text("text")))
}
