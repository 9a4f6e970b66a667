//! What the business sent from another device: interactive messages and templates.

use kernel::ContentPartKind as Kind;

use super::builder::{ContentBuilder, joined};
use crate::decode::readable;
use crate::json::Object;

/// Header, body, footer and what may be chosen; then the same of each card.
pub(super) fn interactive(content: &mut ContentBuilder, message: &Object<'_>) {
    said_and_offered(content, message);
    for card in message.object("action").unwrap_or_default().objects("cards") {
        said_and_offered(content, &card);
    }
}

fn said_and_offered(content: &mut ContentBuilder, message: &Object<'_>) {
    for (member, kind, label) in
        [("header", Kind::Title, "Header"), ("body", Kind::Text, "Body"), ("footer", Kind::Description, "Footer")]
    {
        content.say(kind, label, message.object(member).and_then(|words| words.text("text")));
    }
    let action = message.object("action").unwrap_or_default();
    for button in action.objects("buttons") {
        let reply = button.object("reply").unwrap_or_default();
        content.say(Kind::Option, "Button", reply.text("title").or_else(|| button.text("title")));
    }
    for section in action.objects("sections") {
        for row in section.objects("rows") {
            let title = row.text("title");
            let line = joined([title.clone(), row.text("description")], ": ");
            content.say(Kind::Option, "Row", line);
        }
        for item in section.objects("product_items") {
            content.say(Kind::Product, "Product", item.text("product_retailer_id"));
        }
    }
    content.say(Kind::Product, "Product", action.text("product_retailer_id"));
    let parameters = action.object("parameters").unwrap_or_default();
    content.say(Kind::Option, "Button", parameters.text("display_text").or_else(|| parameters.text("flow_cta")));
    content.say(Kind::Url, "Link", parameters.text("url"));
}

/// The words of each component, if they are given, and what fills its gaps.
pub(super) fn template(content: &mut ContentBuilder, template: &Object<'_>) {
    for component in template.objects("components") {
        let name = component.text("type").unwrap_or_else(|| "body".to_owned()).to_lowercase();
        content.say(Kind::Text, &name, component.text("text"));
        for parameter in component.objects("parameters") {
            let label = parameter.text("parameter_name").unwrap_or_else(|| name.clone());
            content.say(Kind::Text, &label, value(&parameter));
        }
        for button in component.objects("buttons") {
            content.say(Kind::Option, "Button", button.text("text"));
        }
    }
    let name = template.text("name");
    if content.is_empty() {
        content.line(name.clone().map(|name| format!("Template: {name}")));
    }
    content.detail(Kind::Title, "Template", name);
}

/// Prices and times come with a text for people who cannot see them in their own format.
fn value(parameter: &Object<'_>) -> Option<String> {
    let fallback = |kind| parameter.object(kind)?.text("fallback_value");
    let file = || parameter.object("document").and_then(|document| readable::filename(&document));
    parameter.text("text").or_else(|| fallback("currency")).or_else(|| fallback("date_time")).or_else(file)
}
