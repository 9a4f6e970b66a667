//! Customers change their number, and with it their user id.

use serde_json::{Value, json};

use super::kinds;
use crate::kit::api::column;
use crate::kit::app::TestApp;
use crate::kit::customer::{Customer, fresh_bsuid, fresh_phone, joined, system};
use crate::kit::meta::{Number, fresh_wamid, second};

/// How a change is reported; the first customer is the old identity.
type Report = fn(&Number, &Customer, &Customer) -> Value;

fn with_both_ids(number: &Number, old: &Customer, new: &Customer) -> Value {
    let body = json!({
        "type": "user_changed_number", "body": "User A changed from 1 to 2",
        "wa_id": new.phone, "user_id": new.bsuid, "previous_user_id": old.bsuid,
    });
    number.notices(&[system(100, old.phone.as_deref(), body)])
}

fn without_number(number: &Number, old: &Customer, new: &Customer) -> Value {
    let body = json!({"type": "user_changed_user_id", "user_id": new.bsuid, "previous_user_id": old.bsuid});
    number.notices(&[system(100, None, body)])
}

fn with_numbers_only(number: &Number, old: &Customer, new: &Customer) -> Value {
    number.notices(&[system(100, old.phone.as_deref(), json!({"type": "user_changed_number", "wa_id": new.phone}))])
}

fn with_numbers_and_new_id(number: &Number, old: &Customer, new: &Customer) -> Value {
    let body = json!({"type": "user_changed_number", "wa_id": new.phone, "user_id": new.bsuid});
    number.notices(&[system(100, old.phone.as_deref(), body)])
}

fn from_the_new_number(number: &Number, old: &Customer, new: &Customer) -> Value {
    let body = json!({
        "type": "user_changed_number", "new_wa_id": new.phone, "user_id": new.bsuid, "previous_user_id": old.bsuid,
    });
    number.notices(&[system(100, new.phone.as_deref(), body)])
}

fn by_its_old_name(number: &Number, old: &Customer, new: &Customer) -> Value {
    let body = json!({"type": "customer_changed_number", "new_wa_id": new.phone, "customer": old.phone});
    number.notices(&[system(100, old.phone.as_deref(), body)])
}

fn as_a_field_of_its_own(number: &Number, old: &Customer, new: &Customer) -> Value {
    let update = json!({
        "wa_id": new.phone, "detail": "The user id changed", "timestamp": second(100).to_string(),
        "user_id": {"previous": old.bsuid, "current": new.bsuid},
    });
    number.change("user_id_update", json!({"user_id_update": [update]}))
}

#[tokio::test(flavor = "multi_thread")]
async fn identity_change_in_each_shape_keeps_contact() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    // Current and former identities afterwards.
    let both = (["bsuid new", "phone new"].as_slice(), ["bsuid old", "phone old"].as_slice());
    let number_stays = (["bsuid new", "phone old"].as_slice(), ["bsuid old"].as_slice());
    let id_stays = (["bsuid old", "phone new"].as_slice(), ["phone old"].as_slice());
    let rows: [(&str, Report, _); 7] = [
        ("both ids", with_both_ids, both),
        ("no number", without_number, number_stays),
        ("numbers only", with_numbers_only, id_stays),
        ("numbers and the new id", with_numbers_and_new_id, both),
        ("from the new number", from_the_new_number, (&["bsuid new", "phone new", "phone old"], &["bsuid old"])),
        ("the old name", by_its_old_name, id_stays),
        ("a field of its own", as_a_field_of_its_own, number_stays),
    ];
    for (name, report, (current, historical)) in rows {
        let (old, new) = (Customer::fresh(), Customer::fresh());
        app.process(&number.received(&old, &[old.text(1, "before")])).await;
        let change = report(&number, &old, &new);
        app.process(&change).await;
        app.process(&change).await;

        let contact = tenant.contact_by_identity("bsuid", old.bsuid()).await;
        let named = |lines: &[&str]| {
            let mut lines: Vec<String> = lines
                .iter()
                .map(|line| match *line {
                    "bsuid old" => format!("bsuid {}", old.bsuid()),
                    "bsuid new" => format!("bsuid {}", new.bsuid()),
                    "phone old" => format!("phone {}", old.phone()),
                    _ => format!("phone {}", new.phone()),
                })
                .collect();
            lines.sort_unstable();
            lines
        };
        assert_eq!(contact.identity_lines(), (named(current), named(historical)), "{name}");
        assert!(!contact.needs_review, "{name}");
        let interactions = tenant.interactions(&contact).await;
        assert_eq!(kinds(&interactions), ["identity_changed", "inbound_message"], "{name}: recorded once");

        // Messages under the new identity, and late ones under the old.
        let shown = if current.contains(&"bsuid new") { new.without_phone() } else { new.without_bsuid() };
        app.process(&number.received(&shown, &[shown.text(200, "after")])).await;
        app.process(&number.received(&old, &[old.text(2, "late")])).await;
        let conversation = tenant.conversation_by_identity("bsuid", old.bsuid()).await;
        assert_eq!(column(&tenant.messages(&conversation).await, |it| &it.text), ["after", "late", "before"], "{name}");
    }
    assert_eq!(tenant.contacts().await.len(), 7);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn change_after_or_with_first_message_keeps_contact() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    for (name, order) in
        [("after", vec![vec![1], vec![0]]), ("with", vec![vec![1, 0]]), ("with, first", vec![vec![0, 1]])]
    {
        for report in [with_both_ids as Report, without_number, as_a_field_of_its_own] {
            let (old, new) = (Customer::fresh(), Customer::fresh().without_phone());
            app.process(&number.received(&old, &[old.text(1, "before")])).await;
            let id = tenant.contact_by_identity("bsuid", old.bsuid()).await.id.clone();
            let deliveries = [report(&number, &old, &new), number.received(&new, &[new.text(101, "after")])];
            for batch in &order {
                app.process(&joined(batch.iter().map(|index| &deliveries[*index]))).await;
            }
            let contact = tenant.contact_by_identity("bsuid", new.bsuid()).await;
            assert_eq!(contact.id, id, "{name}: the contact is kept");
            let conversation = tenant.conversation_by_identity("bsuid", old.bsuid()).await;
            assert_eq!(conversation.unread_count, 2, "{name}");
            assert!(contact.identity_lines().1.contains(&format!("bsuid {}", old.bsuid())), "{name}");
        }
    }
    assert_eq!(tenant.contacts().await.len(), 9);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn change_and_its_message_in_one_delivery_are_applied() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let (old, new) = (Customer::fresh(), Customer::fresh());
    app.process(&number.received(&old, &[old.text(1, "before")])).await;
    let body = json!({"type": "user_changed_user_id", "user_id": new.bsuid, "previous_user_id": old.bsuid});
    let messages = [new.text(102, "after"), system(101, None, body), new.text(103, "and again")];
    app.process(&number.received(&new, &messages)).await;
    let conversation = tenant.conversation_by_identity("bsuid", new.bsuid()).await;
    assert_eq!(column(&tenant.messages(&conversation).await, |it| &it.text), ["and again", "after", "before"]);
    assert_eq!(tenant.contacts().await.len(), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn change_chain_in_any_order_ends_in_one_contact() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let change = |at: i64, old: &str, new: &str| {
        let body = json!({"type": "user_changed_user_id", "user_id": new, "previous_user_id": old});
        number.notices(&[system(at, None, body)])
    };
    for (name, order) in [("in order", [0, 1, 2]), ("reversed", [2, 1, 0]), ("mixed", [1, 2, 0])] {
        let ids: [String; 4] = std::array::from_fn(|_| fresh_bsuid());
        let (first, last) = (Customer::with_bsuid(&ids[0]), Customer::with_bsuid(&ids[3]));
        app.process(&number.received(&first, &[first.text(1, "first")])).await;
        let changes = [change(10, &ids[0], &ids[1]), change(20, &ids[1], &ids[2]), change(30, &ids[2], &ids[3])];
        for index in order {
            app.process(&changes[index]).await;
        }
        app.process(&number.received(&last, &[last.text(40, "last")])).await;

        let contact = tenant.contact_by_identity("bsuid", &ids[0]).await;
        let mut before: Vec<String> = ids[..3].iter().map(|id| format!("bsuid {id}")).collect();
        before.sort_unstable();
        assert_eq!(contact.identity_lines(), (vec![format!("bsuid {}", ids[3])], before), "{name}");
        assert_eq!(tenant.conversation_by_identity("bsuid", &ids[3]).await.unread_count, 2, "{name}");
        let interactions = tenant.interactions(&contact).await;
        assert_eq!(
            kinds(&interactions),
            ["inbound_message", "identity_changed", "identity_changed", "identity_changed", "inbound_message"],
            "{name}"
        );
    }
    assert_eq!(tenant.contacts().await.len(), 3);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn change_there_back_and_there_again_is_told_each_time() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    for (name, order) in [("in order", [0, 1, 2]), ("reversed", [2, 1, 0]), ("mixed", [0, 2, 1])] {
        let [first, second]: [String; 2] = std::array::from_fn(|_| fresh_bsuid());
        let ada = Customer::with_bsuid(&first);
        app.process(&number.received(&ada, &[ada.text(1, "first")])).await;
        let changes = [(10, &first, &second), (20, &second, &first), (30, &first, &second)];
        let changes = changes.map(|(at, old, new)| {
            let body = json!({"type": "user_changed_user_id", "user_id": new, "previous_user_id": old});
            number.notices(&[system(at, None, body)])
        });
        // Each is delivered twice, the second time as another event.
        for index in order.into_iter().chain(order) {
            let mut change = changes[index].clone();
            change["entry"][0]["changes"][0]["value"]["messages"][0]["id"] = json!(fresh_wamid());
            app.process(&change).await;
        }
        let contact = tenant.contact_by_identity("bsuid", &first).await;
        let lines = (vec![format!("bsuid {second}")], vec![format!("bsuid {first}")]);
        assert_eq!(contact.identity_lines(), lines, "{name}");
        assert_eq!(
            kinds(&tenant.interactions(&contact).await),
            ["identity_changed", "identity_changed", "identity_changed", "inbound_message"],
            "{name}"
        );
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn change_of_unknown_user_creates_no_contact() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let (old, new) = (Customer::fresh(), Customer::fresh());
    app.process(&with_both_ids(&number, &old, &new)).await;
    assert_eq!(tenant.contacts().await.len(), 0);
    assert_eq!(tenant.conversations().await.len(), 0);

    // The change is stored and applies as soon as a message arrives.
    for (at, shown) in [(101, &new), (1, &old)] {
        app.process(&number.received(shown, &[shown.text(at, "hello")])).await;
    }
    assert_eq!(tenant.contacts().await.len(), 1);
    assert_eq!(tenant.conversation_by_identity("bsuid", new.bsuid()).await.unread_count, 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn change_reported_to_two_numbers_applies_once() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let sibling = number.sibling();
    tenant.connect_number(&sibling).await;
    let (old, new) = (Customer::fresh(), Customer::fresh());
    app.process(&number.received(&old, &[old.text(1, "before")])).await;
    for number in [&number, &sibling] {
        app.process(&with_both_ids(number, &old, &new)).await;
    }
    let contact = tenant.contact_by_identity("bsuid", new.bsuid()).await;
    assert_eq!(kinds(&tenant.interactions(&contact).await), ["identity_changed", "inbound_message"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn abandoned_number_can_belong_to_new_contact() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let (old, new) = (Customer::fresh(), Customer::fresh());
    app.process(&number.received(&old, &[old.text(1, "before")])).await;
    app.process(&with_both_ids(&number, &old, &new)).await;
    let stranger = Customer::new(old.phone(), &fresh_bsuid()).named("Grace Hopper");
    app.process(&number.received(&stranger, &[stranger.text(200, "a stranger")])).await;

    let [ada, grace] = [
        tenant.contact_by_identity("bsuid", new.bsuid()).await,
        tenant.contact_by_identity("bsuid", stranger.bsuid()).await,
    ];
    assert_ne!(ada.id, grace.id);
    assert_eq!([ada.needs_review, grace.needs_review], [false, false], "the change explains the number");
    assert!(grace.identity_lines().0.contains(&format!("phone {}", old.phone())));
    assert!(ada.identity_lines().1.contains(&format!("phone {}", old.phone())));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn change_in_other_business_account_is_ignored() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let (number, elsewhere) = (tenant.connect().await, tenant.connect().await);
    let (old, new) = (Customer::fresh().without_phone(), Customer::fresh().without_phone());
    for shown in [&old, &new] {
        app.process(&number.received(shown, &[shown.text(1, "hello")])).await;
    }
    app.process(&without_number(&elsewhere, &old, &new)).await;
    assert_eq!(tenant.contacts().await.len(), 2);
    for shown in [&old, &new] {
        let contact = tenant.contact_by_identity("bsuid", shown.bsuid()).await;
        assert_eq!(contact.identity_lines(), (vec![format!("bsuid {}", shown.bsuid())], vec![]));
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_notices_are_interactions_not_messages() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let phone = fresh_phone();
    let ada = Customer::with_phone(&phone);
    app.process(&number.received(&ada, &[ada.text(1, "hello")])).await;
    let mut legacy = system(2, Some(&phone), json!({"type": "customer_identity_changed", "body": "New device"}));
    legacy["identity"] = json!({"acknowledged": false, "created_timestamp": second(2), "hash": "x="});
    let unknown = system(3, Some(&phone), json!({"type": "hologram"}));
    app.process(&number.notices(&[legacy, unknown])).await;

    let contact = tenant.contact_by_identity("phone", &phone).await;
    let interactions = tenant.interactions(&contact).await;
    assert_eq!(kinds(&interactions), ["notice", "notice", "inbound_message"]);
    assert_eq!(column(&interactions, |it| &it.text), ["System message", "New device", "hello"]);
    let conversation = tenant.conversation_by_identity("phone", &phone).await;
    assert_eq!((conversation.unread_count, tenant.messages(&conversation).await.len()), (1, 1));
    app.finish().await;
}
