//! What led to a message: a product that the customer asks about, or an ad or post that they tapped.

use kernel::ContentPartKind as Kind;

use super::builder::ContentBuilder;
use crate::json::Object;

/// Adds it after what the message itself says.
pub(super) fn origin(content: &mut ContentBuilder, message: &Object<'_>) {
    let product = message.object("context").and_then(|context| context.object("referred_product")).unwrap_or_default();
    let name = product.text("title").or_else(|| product.text("name")).or_else(|| product.text("product_retailer_id"));
    content.say(Kind::Product, "Product", name);
    let Some(referral) = message.object("referral") else { return };
    let what = if referral.text("source_type").as_deref() == Some("post") { "Post" } else { "Ad" };
    content.say(Kind::Advert, what, referral.text("headline"));
    content.say(Kind::Advert, what, referral.text("body"));
    content.detail(Kind::Url, what, referral.text("source_url"));
}
