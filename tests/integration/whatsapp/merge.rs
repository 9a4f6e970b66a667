//! Two contacts that a user merges.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::kinds;
use crate::kit::api::{Contact, Reaction, Resource as _, column};
use crate::kit::app::{TestApp, TestTenant};
use crate::kit::client::Response;
use crate::kit::customer::{Customer, fresh_phone, wamid};
use crate::kit::meta::{Number, time};
use crate::kit::wait;

async fn merge(tenant: &TestTenant, into: &Contact, body: &Value) -> Response {
    tenant.client.post(&format!("{}/merge", into.path()), body).await
}

/// Two customers who have written to a number.
async fn two(app: &TestApp, tenant: &TestTenant, number: &Number) -> [Contact; 2] {
    let people = [Customer::fresh().named("Ada"), Customer::fresh().named("Grace")];
    for customer in &people {
        app.process(&number.received(customer, &[customer.text(1, "hello")])).await;
    }
    let [ada, grace] = &people;
    [tenant.contact_by_identity("bsuid", ada.bsuid()).await, tenant.contact_by_identity("bsuid", grace.bsuid()).await]
}

#[tokio::test(flavor = "multi_thread")]
async fn merge_keeps_everything_of_both() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let (number, second_number) = (tenant.connect().await, tenant.connect().await);
    let ada = Customer::new("15550100", "US.1").named("Ada");
    let grace = Customer::new("15550200", "US.2").named("Grace").with_username("amazing");
    let ours = ada.echo(4, "text", json!({"body": "from us"}));
    let reaction = |customer: &Customer, at: i64, emoji: &str| {
        number.received(
            customer,
            &[customer.message(at, "reaction", json!({"message_id": wamid(&ours), "emoji": emoji}))],
        )
    };
    for delivery in [
        number.received(&ada, &[ada.text(1, "one"), ada.text(3, "three")]),
        number.received(&grace, &[grace.text(2, "two")]),
        second_number.received(&grace, &[grace.text(5, "elsewhere")]),
        number.echoes(std::slice::from_ref(&ours)),
        reaction(&grace, 6, "👎"),
        reaction(&ada, 7, "👍"),
    ] {
        app.process(&delivery).await;
    }
    let (stays, goes) =
        (tenant.contact_by_identity("phone", "15550100").await, tenant.contact_by_identity("phone", "15550200").await);
    let before = tenant.interactions(&stays).await.len() + tenant.interactions(&goes).await.len();

    let answer: Contact =
        merge(&tenant, &stays, &json!({"contact_id": goes.id, "version": stays.version})).await.body(200);
    assert_eq!(answer.id, stays.id);
    assert_eq!(answer.display_name, "Ada");
    let all = ["bsuid US.1", "bsuid US.2", "phone 15550100", "phone 15550200", "username amazing"];
    assert_eq!(answer.identity_lines(), (all.map(str::to_owned).to_vec(), vec![]));
    assert_ne!(answer.version, stays.version);

    // The id of the merged contact redirects to the other.
    assert_eq!(tenant.contacts().await, std::slice::from_ref(&answer));
    assert_eq!(tenant.contact(&goes.id).await, answer);
    let interactions = tenant.interactions(&goes).await;
    assert_eq!(interactions, tenant.interactions(&stays).await);
    assert_eq!(interactions.len(), before + 1);
    let merged = interactions.iter().find(|interaction| interaction.kind == "contact_merged").unwrap();
    assert_eq!(merged.actor_id, Some(tenant.me().await.user.id));
    assert_eq!(merged.text, "Merged with Grace");
    assert!(interactions.iter().all(|interaction| interaction.contact_id == stays.id));

    // One conversation with each number.
    let conversations = tenant.conversations_with(&answer).await;
    assert_eq!(column(&conversations, |it| &it.last_message_preview), ["Reacted with 👍", "elsewhere"]);
    assert_eq!(column(&conversations, |it| it.unread_count), [4, 1]);
    assert_eq!(conversations[0].last_message_at, time(4));
    let messages = tenant.messages(&conversations[0]).await;
    assert_eq!(column(&messages, |it| &it.text), ["from us", "three", "two", "one"]);
    assert!(messages.iter().all(|message| message.conversation_id == conversations[0].id));
    assert_eq!(messages[0].reactions, [Reaction::by_contact("👍", &stays.id)]);

    // Messages from either identity go to the one contact.
    for (at, customer) in [(8, &ada), (9, &grace)] {
        app.process(&number.received(customer, &[customer.text(at, "later")])).await;
    }
    assert_eq!(tenant.contacts().await.len(), 1);
    let conversations = tenant.conversations_with(&answer).await;
    assert_eq!(column(&conversations, |it| it.unread_count), [6, 1]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn merge_fills_missing_fields_from_other() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let (nameless, named) = (Customer { name: None, ..Customer::fresh() }, Customer::fresh().named("Grace"));
    for customer in [&nameless, &named] {
        app.process(&number.received(customer, &[customer.text(1, "hello")])).await;
    }
    let preference = json!({
        "wa_id": named.phone, "user_id": named.bsuid, "category": "marketing_messages", "value": "stop",
        "detail": "User requested to stop marketing messages", "timestamp": crate::kit::meta::second(2),
    });
    app.process(&number.change("user_preferences", json!({"user_preferences": [preference]}))).await;
    let stays = tenant.contact_by_identity("bsuid", nameless.bsuid()).await;
    let goes = tenant.contact_by_identity("bsuid", named.bsuid()).await;
    let answer: Contact = merge(&tenant, &stays, &json!({"contact_id": goes.id})).await.body(200);
    assert_eq!(answer.display_name, "Grace");
    assert_eq!(answer.marketing_consent, "withdrawn");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn merge_resolves_review() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    for (at, bsuid) in [(1, "US.1"), (2, "US.2")] {
        let shown = Customer::new("15550100", bsuid);
        app.process(&number.received(&shown, &[shown.text(at, "hello")])).await;
    }
    let [stays, goes] =
        [tenant.contact_by_identity("bsuid", "US.1").await, tenant.contact_by_identity("bsuid", "US.2").await];
    assert_eq!([stays.needs_review, goes.needs_review], [true, true]);
    let answer: Contact = merge(&tenant, &stays, &json!({"contact_id": goes.id})).await.body(200);
    assert!(!answer.needs_review);

    // They stay merged, whatever identities later messages show.
    for (at, shown) in [(3, Customer::new("15550100", "US.1")), (4, Customer::new("15550100", "US.2"))] {
        app.process(&number.received(&shown, &[shown.text(at, "hello")])).await;
    }
    let contacts = tenant.contacts().await;
    assert_eq!(column(&contacts, |it| it.needs_review), [false]);
    assert_eq!(tenant.conversations().await[0].unread_count, 4);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn merge_chain_redirects_to_last_contact() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ([first, second], [third, _]) = (two(&app, &tenant, &number).await, two(&app, &tenant, &number).await);
    merge(&tenant, &second, &json!({"contact_id": first.id})).await.expect(200);
    // The id of a contact that is already merged.
    merge(&tenant, &third, &json!({"contact_id": first.id})).await.expect(200);
    for contact in [&first, &second, &third] {
        assert_eq!(tenant.client.reload(contact).await.id, third.id);
    }
    assert_eq!(tenant.interactions(&first).await.iter().filter(|it| it.kind == "contact_merged").count(), 2);
    merge(&tenant, &first, &json!({"contact_id": third.id})).await.problem(409, "same_contact");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_merge_is_refused_and_changes_nothing() {
    let app = TestApp::start_with_pipeline().await;
    let (tenant, others) = (app.tenant().await, app.tenant().await);
    let (number, their_number) = (tenant.connect().await, others.connect().await);
    let [ada, grace] = two(&app, &tenant, &number).await;
    let [theirs, _] = two(&app, &others, &their_number).await;
    let missing = Contact { id: "0190b5a2-7e2f-7000-8000-000000000000".to_owned(), ..ada.clone() };
    let body = |contact: &Contact| json!({"contact_id": contact.id});

    merge(&tenant, &missing, &body(&grace)).await.problem(404, "not_found");
    merge(&tenant, &theirs, &body(&grace)).await.problem(404, "not_found");
    for unknown in [&missing, &theirs] {
        let problem = merge(&tenant, &ada, &body(unknown)).await.problem(422, "validation_failed");
        assert_eq!(problem.pointer(), "/contact_id", "{problem}");
    }
    merge(&tenant, &ada, &body(&ada)).await.problem(409, "same_contact");
    let stale = json!({"contact_id": grace.id, "version": ada.version + 1});
    merge(&tenant, &ada, &stale).await.problem(409, "stale_version");
    for wrong in [json!({}), json!({"contact_id": "x"}), json!({"contact_id": grace.id, "into": ada.id})] {
        merge(&tenant, &ada, &wrong).await.problem(422, "validation_failed");
    }
    for contact in [&ada, &grace] {
        assert_eq!(tenant.client.reload(contact).await, *contact);
        assert_eq!(kinds(&tenant.interactions(contact).await), ["inbound_message"]);
    }
    assert_eq!(others.client.reload(&theirs).await, theirs);

    let viewer = app.user(&tenant, Some("viewer")).await;
    let path = format!("{}/merge", ada.path());
    viewer.client.post(&path, &body(&grace)).await.problem(403, "insufficient_scope");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_during_merge_are_all_stored() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let people: [Customer; 6] = std::array::from_fn(|_| Customer::fresh());
    for customer in &people {
        app.process(&number.received(customer, &[customer.text(1, "first")])).await;
    }
    let mut contacts = Vec::new();
    for customer in &people {
        contacts.push(tenant.contact_by_identity("bsuid", customer.bsuid()).await);
    }
    let messages: Vec<Value> = (2..42)
        .map(|at| {
            let customer = &people[usize::try_from(at).unwrap() % people.len()];
            // Some messages show only one identity, and some a new one.
            let shown = match at % 3 {
                0 => customer.clone(),
                1 => customer.without_phone(),
                _ => Customer { phone: Some(fresh_phone()), ..customer.clone() },
            };
            number.received(&shown, &[shown.text(at, "meanwhile")])
        })
        .collect();
    let deliveries = join_all(messages.iter().map(|delivery| app.deliver(delivery)));
    let merges = async {
        for goes in &contacts[1..] {
            merge(&tenant, &contacts[0], &json!({"contact_id": goes.id})).await.expect(200);
        }
    };
    let (answers, ()) = tokio::join!(deliveries, merges);
    assert!(answers.iter().all(|answer| answer.status == 200));
    // Events that conflicted with a merge are retried later.
    wait::until("all events to be processed", async || {
        app.clock.advance(chrono::TimeDelta::milliseconds(500));
        (app.database.count("SELECT count(*) FROM webhook_outbox").await == 0).then_some(())
    })
    .await;
    let one = tenant.contacts().await;
    assert_eq!(column(&one, |it| &it.id), [&contacts[0].id]);
    let conversations = tenant.conversations().await;
    assert_eq!(column(&conversations, |it| it.unread_count), [46]);
    assert_eq!(tenant.messages(&conversations[0]).await.len(), 46);
    let interactions = tenant.interactions(&one[0]).await;
    assert_eq!(kinds(&interactions).iter().filter(|kind| **kind == "inbound_message").count(), 46);
    app.finish().await;
}
