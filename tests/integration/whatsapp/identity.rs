//! Contacts are identified by user id first, then by number.

use serde_json::json;

use crate::kit::api::{Identity, column};
use crate::kit::app::TestApp;
use crate::kit::customer::{Customer, fresh_bsuid, fresh_phone};
use crate::kit::meta::Number;

#[tokio::test(flavor = "multi_thread")]
async fn contact_without_number_is_listed() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::with_bsuid("US.13491208655302741918");
    // An empty number counts as none.
    for (at, body, from) in [(1, "absent", None), (2, "empty", Some(""))] {
        let mut message = ada.text(at, body);
        let mut delivery = number.received(&ada, &[message.clone()]);
        if let Some(from) = from {
            message["from"] = json!(from);
            delivery = number.change("messages", json!({"contacts": [{"wa_id": from, "user_id": ada.bsuid, "profile": {"name": "Ada"}}], "messages": [message]}));
        }
        app.process(&delivery).await;
    }
    let contacts = tenant.contacts().await;
    assert_eq!(contacts.len(), 1, "{contacts:#?}");
    assert_eq!(contacts[0].display_name, "Ada Lovelace");
    assert_eq!(contacts[0].identities, [Identity::current("bsuid", "US.13491208655302741918")]);
    let conversation = tenant.conversations().await.remove(0);
    assert_eq!(column(&tenant.messages(&conversation).await, |it| &it.text), ["empty", "absent"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contact_keeps_history_when_user_id_arrives() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::new("15550100", "US.1");
    let shown = [ada.without_bsuid(), ada.clone(), ada.without_phone(), ada.without_bsuid()];
    for (at, shown) in (1..).zip(&shown) {
        app.process(&number.received(shown, &[shown.text(at, "hello")])).await;
    }
    let contact = tenant.contact_by_identity("bsuid", "US.1").await;
    assert_eq!(tenant.contacts().await.len(), 1);
    assert_eq!(contact.identity_lines(), (vec!["bsuid US.1".to_owned(), "phone 15550100".to_owned()], vec![]));
    assert!(!contact.needs_review);
    assert_eq!(tenant.conversation_by_identity("phone", "15550100").await.unread_count, 4);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn number_is_lost_and_regained() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::new("15550100", "US.1");
    let moved = Customer::new("15550199", "US.1");
    for (at, shown) in (1..).zip([ada.clone(), ada.without_phone(), ada, moved.without_phone(), moved]) {
        app.process(&number.received(&shown, &[shown.text(at, "hello")])).await;
    }
    let contact = tenant.contact_by_identity("phone", "15550199").await;
    assert_eq!(contact.id, tenant.contact_by_identity("phone", "15550100").await.id);
    assert_eq!(tenant.contacts().await.len(), 1);
    assert!(!contact.needs_review);
    assert!(contact.identity_lines().0.contains(&"phone 15550199".to_owned()));
    assert_eq!(tenant.conversations().await[0].unread_count, 5);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_spellings_of_number_are_one_contact() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let rows = [
        ("Brazil", "5511987654321", "551187654321", 1),
        ("Brazil, shorter first", "551187654322", "5511987654322", 1),
        ("a landline of Brazil", "551133334444", "5511933334444", 2),
        ("Mexico", "5215512345678", "525512345678", 1),
        ("Mexico, shorter first", "525512345679", "5215512345679", 1),
        ("Argentina", "5491123456789", "541123456789", 1),
        ("Argentina, shorter first", "541123456780", "5491123456780", 1),
        ("a country with one spelling", "4915112345678", "49915112345678", 2),
    ];
    for (country, first, second, expected) in rows {
        let before = tenant.contacts().await.len();
        for (at, phone) in [(1, first), (2, second)] {
            let customer = Customer::with_phone(phone);
            app.process(&number.received(&customer, &[customer.text(at, "hello")])).await;
        }
        assert_eq!(tenant.contacts().await.len() - before, expected, "{country}");
        // Payloads keep WhatsApp's spelling.
        let found =
            [tenant.contact_by_identity("phone", first).await, tenant.contact_by_identity("phone", second).await];
        assert_eq!(found[0].id == found[1].id, expected == 1, "{country}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exact_spelling_wins_over_variant() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let (ada, grace) = (Customer::new("551187654321", "BR.1"), Customer::new("5511987654321", "BR.2"));
    for (at, customer) in [(1, &ada), (2, &grace)] {
        app.process(&number.received(customer, &[customer.text(at, "hello")])).await;
    }
    assert_eq!(tenant.contacts().await.len(), 2);
    for (at, customer) in [(3, &ada), (4, &grace)] {
        let shown = customer.without_bsuid();
        app.process(&number.received(&shown, &[shown.text(at, customer.bsuid())])).await;
    }
    for customer in [&ada, &grace] {
        let conversation = tenant.conversation_by_identity("bsuid", customer.bsuid()).await;
        assert_eq!(conversation.last_message_preview, customer.bsuid());
        assert_eq!(conversation.unread_count, 2);
    }
    app.finish().await;
}

/// A recycled number belongs to its later owner, in whichever order the events arrive.
#[tokio::test(flavor = "multi_thread")]
async fn recycled_number_needs_review() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    for order in [[0, 1], [1, 0]] {
        let phone = fresh_phone();
        let (before, after) = (Customer::new(&phone, &fresh_bsuid()), Customer::new(&phone, &fresh_bsuid()));
        let deliveries = [
            number.received(&before, &[before.text(1, "the one before")]),
            number.received(&after, &[after.text(2, "the one after")]),
        ];
        for index in order {
            app.process(&deliveries[index]).await;
        }
        let [old, new] = [
            tenant.contact_by_identity("bsuid", before.bsuid()).await,
            tenant.contact_by_identity("bsuid", after.bsuid()).await,
        ];
        assert_ne!(old.id, new.id, "{order:?}");
        assert_eq!([old.needs_review, new.needs_review], [true, true], "{order:?}");
        assert_eq!(old.identity_lines(), (vec![format!("bsuid {}", before.bsuid())], vec![format!("phone {phone}")]));
        assert_eq!(
            new.identity_lines(),
            (vec![format!("bsuid {}", after.bsuid()), format!("phone {phone}")], vec![]),
            "{order:?}"
        );
        // A message with only the number belongs to the number's current contact.
        let shown = after.without_bsuid();
        app.process(&number.received(&shown, &[shown.text(3, "again")])).await;
        let conversation = tenant.conversation_by_identity("bsuid", after.bsuid()).await;
        assert_eq!(conversation.last_message_preview, "again", "{order:?}");
        assert_eq!(tenant.conversation_by_identity("bsuid", before.bsuid()).await.unread_count, 1);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn message_with_user_id_and_number_merges_contacts() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::new("15550100", "US.1");
    for (at, shown) in (1..).zip([ada.without_bsuid(), ada.without_phone()]) {
        app.process(&number.received(&shown, &[shown.text(at, "hello")])).await;
    }
    let two = tenant.contacts().await;
    assert_eq!(two.len(), 2);
    app.process(&number.received(&ada, &[ada.text(3, "it is me")])).await;

    let one = tenant.contacts().await.remove(0);
    assert_eq!(tenant.contacts().await.len(), 1);
    for before in &two {
        assert_eq!(tenant.client.reload(before).await, one, "both ids lead to one contact");
    }
    assert!(!one.needs_review);
    let conversation = tenant.conversation_by_identity("bsuid", "US.1").await;
    assert_eq!(conversation.unread_count, 3);
    assert_eq!(column(&tenant.messages(&conversation).await, |it| &it.text), ["it is me", "hello", "hello"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn number_with_other_user_id_moves_to_its_contact() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let (ada, grace) = (Customer::with_bsuid("US.1"), Customer::new("15550100", "US.2"));
    for (at, shown) in (1..).zip([ada, grace, Customer::new("15550100", "US.1")]) {
        app.process(&number.received(&shown, &[shown.text(at, "hello")])).await;
    }
    let [ada, grace] =
        [tenant.contact_by_identity("bsuid", "US.1").await, tenant.contact_by_identity("bsuid", "US.2").await];
    assert_ne!(ada.id, grace.id);
    assert_eq!([ada.needs_review, grace.needs_review], [true, true]);
    assert_eq!(ada.identity_lines().0, ["bsuid US.1", "phone 15550100"]);
    assert_eq!(grace.identity_lines(), (vec!["bsuid US.2".to_owned()], vec!["phone 15550100".to_owned()]));
    assert_eq!(tenant.conversation_by_identity("bsuid", "US.1").await.unread_count, 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn card_reveals_sender_number_only_on_request() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let phones = json!([{"phone": "+1 555 0100", "wa_id": "15550100", "type": "CELL"}]);
    let requested = json!([{"origin": "contact_request", "phones": phones}]);
    let other =
        json!([{"origin": "other", "vcard": "BEGIN:VCARD", "name": {"formatted_name": "Grace"}, "phones": phones}]);
    let neither = json!([{"name": {"formatted_name": "Grace"}, "phones": phones}]);
    for (cards, expected) in [(&other, vec![]), (&neither, vec![]), (&requested, vec!["phone 15550100".to_owned()])] {
        let ada = Customer::with_bsuid(&fresh_bsuid());
        app.process(&number.received(&ada, &[ada.message(1, "contacts", cards.clone())])).await;
        let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
        let mut all = vec![format!("bsuid {}", ada.bsuid())];
        all.extend(expected);
        assert_eq!(contact.identity_lines(), (all, vec![]), "{cards}");
    }
    // The contact with that number is the one who shared it.
    let shown = Customer::with_phone("15550100");
    app.process(&number.received(&shown, &[shown.text(2, "hello")])).await;
    assert_eq!(tenant.contacts().await.len(), 3);
    assert_eq!(tenant.conversation_by_identity("phone", "15550100").await.unread_count, 2);

    // The shape of early 2026: only `contacts` names the sender, and the message has the origin.
    let early = Customer::with_bsuid(&fresh_bsuid());
    let mut message = Customer::default().message(3, "contacts", json!([{"phones": [{"phone": "+1 555 0177"}]}]));
    message["origin"] = json!("contact_request");
    app.process(&number.received(&early, &[message])).await;
    assert_eq!(
        tenant.contact_by_identity("bsuid", early.bsuid()).await.identity_lines().0,
        [format!("bsuid {}", early.bsuid()), "phone 15550177".to_owned()]
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn username_is_shown_but_identifies_no_contact() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::with_bsuid("US.1");
    // With and without @, in another case, and then another username.
    for (at, username) in [(1, "@ada.l"), (2, "ada.l"), (3, "Ada.L"), (4, "countess")] {
        let shown = ada.clone().with_username(username);
        app.process(&number.received(&shown, &[shown.text(at, "hello")])).await;
    }
    let contact = tenant.contact_by_identity("bsuid", "US.1").await;
    assert_eq!(
        contact.identity_lines(),
        (vec!["bsuid US.1".to_owned(), "username countess".to_owned()], vec!["username ada.l".to_owned()])
    );
    // A late event does not replace the newer value.
    let late = ada.clone().with_username("ada.l");
    app.process(&number.received(&late, &[late.text(2, "late")])).await;
    assert_eq!(
        tenant.contact_by_identity("bsuid", "US.1").await.identity_lines().0,
        ["bsuid US.1", "username countess"]
    );

    let namesake = Customer::with_bsuid("US.2").with_username("countess");
    app.process(&number.received(&namesake, &[namesake.text(5, "hello")])).await;
    assert_eq!(tenant.contacts().await.len(), 2);
    assert_eq!(
        tenant.contact_by_identity("bsuid", "US.2").await.identity_lines().0,
        ["bsuid US.2", "username countess"]
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn user_id_is_scoped_to_account_parent_id_is_hint() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let (number, elsewhere) = (tenant.connect().await, tenant.connect().await);
    let shown = Customer::with_bsuid("US.1").with_parent("US.ENT.7");
    for (at, number) in [(1, &number), (2, &elsewhere)] {
        app.process(&number.received(&shown, &[shown.text(at, "hello")])).await;
    }
    let contacts = tenant.contacts().await;
    assert_eq!(contacts.len(), 2, "{contacts:#?}");
    for contact in &contacts {
        assert_eq!(contact.identity_lines().0, ["bsuid US.1", "parent_bsuid US.ENT.7"]);
        assert!(!contact.needs_review);
        assert_eq!(tenant.conversations_with(contact).await.len(), 1);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn number_is_one_contact_across_accounts() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let (number, elsewhere) = (tenant.connect().await, tenant.connect().await);
    let sibling = number.sibling();
    tenant.connect_number(&sibling).await;
    let deliveries = [
        (&number, Customer::new("15550100", "US.1")),
        (&sibling, Customer::with_bsuid("US.1")),
        (&elsewhere, Customer::new("15550100", "US.2")),
    ];
    for (at, (number, shown)) in (1..).zip(&deliveries) {
        app.process(&number.received(shown, &[shown.text(at, "hello")])).await;
    }
    let contact = tenant.contact_by_identity("phone", "15550100").await;
    assert_eq!(tenant.contacts().await.len(), 1);
    assert_eq!(contact.identity_lines().0, ["bsuid US.1", "bsuid US.2", "phone 15550100"]);
    assert!(!contact.needs_review);
    let conversations = tenant.conversations_with(&contact).await;
    assert_eq!(column(&conversations, |it| it.unread_count), [1, 1, 1], "one conversation with each number");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn person_is_separate_contact_per_tenant() {
    let app = TestApp::start_with_pipeline().await;
    let (ours, theirs) = (app.tenant().await, app.tenant().await);
    let our_number = ours.connect().await;
    // Even within one business account.
    let their_number: Number = our_number.sibling();
    theirs.connect_number(&their_number).await;
    let ada = Customer::new("15550100", "US.1");
    app.process(&our_number.received(&ada, &[ada.text(1, "to us")])).await;
    app.process(&their_number.received(&ada, &[ada.text(2, "to them")])).await;
    let mut ids = Vec::new();
    for (tenant, body) in [(&ours, "to us"), (&theirs, "to them")] {
        let conversation = tenant.conversation_by_identity("bsuid", "US.1").await;
        assert_eq!(column(&tenant.messages(&conversation).await, |it| &it.text), [body]);
        assert_eq!(tenant.contacts().await.len(), 1);
        ids.push(conversation.contact_id.clone());
    }
    assert_ne!(ids[0], ids[1]);
    app.finish().await;
}
