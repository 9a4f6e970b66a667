//! What a message refers to: another message, a product, an advertisement, a group.

use serde_json::{Value, json};

use super::super::kinds;
use super::{check, parts, row};
use crate::kit::api::{ReplyTo, column};
use crate::kit::app::TestApp;
use crate::kit::customer::{Customer, wamid};

fn text(name: &'static str, member: &str, value: Value, seen: &Value) -> super::Row {
    let mut expected = json!({"kind": "text", "text": "Hi"});
    expected.as_object_mut().unwrap().extend(seen.as_object().unwrap().clone());
    row(name, "text", json!({"body": "Hi"}), expected).with(member, value)
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_forwards_products_and_ads_are_stored() {
    let unknown = json!({"wamid": "wamid.unknown", "message_id": null});
    let ad = json!({
        "source_url": "https://fb.me/1", "source_id": "120", "source_type": "ad", "headline": "Tea", "body": "Fresh",
        "media_type": "video", "video_url": "https://x.example/v", "thumbnail_url": "https://x.example/t",
        "ctwa_clid": "click", "welcome_message": {"text": "Hi!"},
    });
    let post = json!({"source_url": "https://fb.me/2", "source_id": "7", "source_type": "post", "body": "Fresh"});
    let product = json!({
        "from": "15550000000", "id": "wamid.unknown",
        "referred_product": {"catalog_id": "77", "product_retailer_id": "tea"},
    });
    check(vec![
        text("a reply", "context", json!({"from": "1", "id": "wamid.unknown"}), &json!({"reply_to": unknown})),
        text("forwarded", "context", json!({"forwarded": true}), &json!({"forwarded": "once"})),
        text("forwarded often", "context", json!({"frequently_forwarded": true}), &json!({"forwarded": "frequently"})),
        text(
            "about a product",
            "context",
            product,
            &json!({"reply_to": unknown, "text": "Hi\nProduct: tea", "parts": parts([("product", "Product", "tea")])}),
        ),
        text(
            "from an ad",
            "referral",
            ad.clone(),
            &json!({"referral": ad, "text": "Hi\nAd: Tea\nAd: Fresh", "parts": parts([
                ("advert", "Ad", "Tea"), ("advert", "Ad", "Fresh"), ("url", "Ad", "https://fb.me/1"),
            ])}),
        ),
        text(
            "from a post, without a click id",
            "referral",
            post.clone(),
            &json!({"referral": post, "text": "Hi\nPost: Fresh",
                    "parts": parts([("advert", "Post", "Fresh"), ("url", "Post", "https://fb.me/2")])}),
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quoted_message_is_linked_when_present() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let ours = ada.echo(10, "text", json!({"body": "Tea?"}));
    let mut reply = ada.text(20, "Yes");
    reply["context"] = json!({"from": "15550000000", "id": wamid(&ours)});
    app.process(&number.received(&ada, &[reply])).await;
    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    let reply_to = async || tenant.messages(&conversation).await[0].reply_to.clone().unwrap();
    assert_eq!(reply_to().await, ReplyTo { wamid: wamid(&ours).to_owned(), message_id: None });
    app.process(&number.echoes(std::slice::from_ref(&ours))).await;
    let quoted = tenant.message(&conversation, wamid(&ours)).await;
    assert_eq!(reply_to().await, ReplyTo { wamid: quoted.wamid.unwrap(), message_id: Some(quoted.id) });
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn group_message_is_in_no_direct_conversation() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let (ada, grace) = (Customer::fresh(), Customer::fresh());
    let in_group = |sender: &Customer, at: i64, kind: &str, body: Value| {
        let mut message = sender.message(at, kind, body);
        message["group_id"] = json!("120363041234567890");
        message
    };
    app.process(&number.received(&ada, &[ada.text(10, "to you alone")])).await;
    let messages = [
        in_group(&ada, 20, "text", json!({"body": "to the group"})),
        in_group(&grace, 30, "image", json!({"id": "1", "caption": "Look"})),
    ];
    app.process(&number.delivery(&messages)).await;

    let alone = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    assert_eq!((alone.unread_count, alone.last_message_preview.as_str()), (1, "to you alone"));
    assert_eq!(column(&tenant.messages(&alone).await, |it| &it.text), ["to you alone"]);
    assert_eq!(tenant.conversations().await.len(), 1, "no conversation with the group or with Grace");
    let interactions = |customer: &Customer| {
        let (tenant, bsuid) = (tenant.clone(), customer.bsuid().to_owned());
        async move { tenant.interactions(&tenant.contact_by_identity("bsuid", &bsuid).await).await }
    };
    assert_eq!(kinds(&interactions(&ada).await), ["group_message", "inbound_message"]);
    let graces = interactions(&grace).await;
    assert_eq!((kinds(&graces), graces[0].text.as_str()), (vec!["group_message"], "Look"));
    app.finish().await;
}
