//! Contacts that users create and change.

use futures_util::future::join_all;
use serde_json::json;

use super::{contact_of, create, pointers};
use crate::kit::api::{Contact, Identity, Resource as _};
use crate::kit::app::TestApp;
use crate::kit::customer::{Customer, fresh_phone};

const UNKNOWN: &str = "/crm/contacts/0190b5a2-7e2f-7000-8000-000000000000";

#[tokio::test(flavor = "multi_thread")]
async fn message_from_number_of_created_contact_joins_it() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let phone = fresh_phone();
    let body = json!({
        "display_name": " Grace Hopper ",
        "identities": [{"kind": "phone", "value": format!("+{}-{}", &phone[..2], &phone[2..])}, {"kind": "username", "value": "@amazing"}],
        "attributes": {"customer_number": "4711", "tags": ["navy", {"rank": "admiral"}]},
        "language": "en-US",
        "marketing_consent": "granted",
    });
    let made: Contact = tenant.client.create(&body).await;
    assert_eq!(made.display_name, "Grace Hopper");
    assert_eq!(made.identities, [Identity::current("phone", &phone), Identity::current("username", "amazing")]);
    assert_eq!(made.attributes, body["attributes"]);
    assert_eq!((made.language.as_deref(), made.marketing_consent.as_str()), (Some("en-US"), "granted"));
    assert_eq!((made.version, made.needs_review), (1, false));
    assert_eq!(tenant.client.reload(&made).await, made);

    // The WhatsApp profile name does not replace a name set by a user; the user id is stored.
    let customer = Customer::new(&phone, "US.17").named("Amazing Grace");
    app.process(&number.received(&customer, &[customer.text(1, "hello")])).await;
    let contact = tenant.contact_by_identity("bsuid", "US.17").await;
    assert_eq!((&contact.id, contact.display_name.as_str()), (&made.id, "Grace Hopper"));
    assert_eq!(tenant.conversations_with(&contact).await.len(), 1);

    // A contact without a name takes the profile name.
    let unnamed = Customer::fresh().named("Ada");
    let body = json!({"identities": [{"kind": "phone", "value": unnamed.phone()}]});
    let made: Contact = tenant.client.create(&body).await;
    assert_eq!(made.display_name, "");
    app.process(&number.received(&unnamed, &[unnamed.text(1, "hello")])).await;
    assert_eq!(tenant.client.reload(&made).await.display_name, "Ada");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_contact_is_refused_and_not_stored() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let phone = |value: &str| json!({"identities": [{"kind": "phone", "value": value}]});
    let deep = json!({"a": {"b": {"c": {"d": {"e": {}}}}}});
    let rows = [
        (json!({}), vec![""]),
        (json!({"display_name": ""}), vec!["/display_name"]),
        (json!({"display_name": "a\nb"}), vec!["/display_name"]),
        (json!({"display_name": "x".repeat(201)}), vec!["/display_name"]),
        (json!({"display_name": 7}), vec!["/display_name"]),
        (json!({"name": "Grace"}), vec!["/name"]),
        (phone("call me"), vec!["/identities/0/value"]),
        (phone("12345"), vec!["/identities/0/value"]),
        (phone("0151 2345678"), vec!["/identities/0/value"]),
        (json!({"identities": [{"kind": "bsuid", "value": "US.1"}]}), vec!["/identities/0/kind"]),
        (json!({"identities": [{"kind": "email", "value": "a@b.example"}]}), vec!["/identities/0/kind"]),
        (json!({"identities": [{"kind": "phone"}]}), vec!["/identities/0/value"]),
        (json!({"identities": vec![json!({"kind": "username", "value": "x"}); 21]}), vec!["/identities"]),
        (
            json!({"identities": [{"kind": "phone", "value": "5511987654321"}, {"kind": "phone", "value": "551187654321"}]}),
            vec!["/identities/1"],
        ),
        (json!({"display_name": "a", "attributes": []}), vec!["/attributes"]),
        (json!({"display_name": "a", "attributes": deep}), vec!["/attributes"]),
        (json!({"display_name": "a", "attributes": {"a": "x".repeat(16_400)}}), vec!["/attributes"]),
        (json!({"display_name": "a", "attributes": {"a": "nul\0"}}), vec!["/attributes/a"]),
        (json!({"display_name": "a", "language": "en_US"}), vec!["/language"]),
        (json!({"display_name": "a", "marketing_consent": "maybe"}), vec!["/marketing_consent"]),
        (
            json!({"display_name": "", "language": "?", "identities": [{"kind": "phone", "value": "1"}]}),
            vec!["/display_name", "/identities/0/value", "/language"],
        ),
    ];
    for (body, expected) in rows {
        assert_eq!(pointers(&create(&tenant, &body).await), expected, "{body}");
    }
    assert_eq!(tenant.contacts().await, []);
    let viewer = app.user(&tenant, Some("viewer")).await;
    viewer.client.post("/crm/contacts", &json!({"display_name": "a"})).await.problem(403, "insufficient_scope");
}

#[tokio::test(flavor = "multi_thread")]
async fn number_identifies_one_contact_per_tenant() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    contact_of(&tenant, "Ada", "+55 11 98765-4321").await;
    // The same number in its spelling before 2012.
    for taken in ["5511987654321", "551187654321"] {
        let body = json!({"display_name": "Grace", "identities": [
            {"kind": "username", "value": "grace"},
            {"kind": "phone", "value": taken},
        ]});
        let problem = create(&tenant, &body).await.problem(409, "identity_taken");
        assert_eq!(problem.pointer(), "/identities/1", "{problem}");
    }
    assert_eq!(tenant.contacts().await.len(), 1);
    contact_of(&other, "Ada", "+55 11 98765-4321").await;

    // A username does not identify a contact.
    for name in ["one", "two"] {
        let body = json!({"display_name": name, "identities": [{"kind": "username", "value": "ada"}]});
        create(&tenant, &body).await.expect(201);
    }

    let phone = fresh_phone();
    let body = json!({"display_name": "Alan", "identities": [{"kind": "phone", "value": phone}]});
    let answers = join_all((0..10).map(|_| create(&tenant, &body))).await;
    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(201), count(409)), (1, 9));
}

#[tokio::test(flavor = "multi_thread")]
async fn contact_is_updated_by_merge_patch() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let body = json!({"display_name": "Ada", "language": "en", "attributes": {"a": 1, "b": {"c": 2, "d": 3}}});
    let made: Contact = tenant.client.create(&body).await;

    let change = json!({"display_name": "Ada King", "attributes": {"a": null, "b": {"c": "two"}, "e": []}});
    let changed = tenant.client.change(&made, change).await;
    assert_eq!(changed.display_name, "Ada King");
    assert_eq!(changed.attributes, json!({"b": {"c": "two", "d": 3}, "e": []}));
    assert_eq!((changed.language.as_deref(), changed.version), (Some("en"), 2));
    assert_eq!(tenant.client.reload(&made).await, changed);

    let change = json!({"display_name": null, "attributes": null, "language": null, "needs_review": true});
    let cleared = tenant.client.change(&changed, change).await;
    assert_eq!((cleared.display_name.as_str(), &cleared.attributes), ("", &json!({})));
    assert_eq!((cleared.language.as_deref(), cleared.needs_review), (None, true));

    // An unchanged contact keeps its version.
    assert_eq!(tenant.client.change(&cleared, json!({})).await, cleared);
    assert_eq!(tenant.client.change(&cleared, json!({"attributes": {"x": null}})).await, cleared);

    tenant.client.try_change(&changed, json!({"language": "de"})).await.problem(409, "stale_version");
    for (change, pointer) in [
        (json!({"display_name": ""}), "/display_name"),
        (json!({"language": "english please"}), "/language"),
        (json!({"marketing_consent": null}), "/marketing_consent"),
        (json!({"marketing_consent": "yes"}), "/marketing_consent"),
        (json!({"needs_review": null}), "/needs_review"),
        (json!({"attributes": "x"}), "/attributes"),
        (json!({"attributes": {"a": {"b": {"c": {"d": {"e": {}}}}}}}), "/attributes"),
        (json!({"identities": []}), "/identities"),
        (json!({"id": made.id}), "/id"),
    ] {
        assert_eq!(pointers(&tenant.client.try_change(&cleared, change).await), [pointer]);
    }
    assert_eq!(pointers(&tenant.client.patch(&made.path(), &json!({"language": "de"})).await), ["/version"]);
    assert_eq!(tenant.client.reload(&made).await, cleared);
    tenant.client.patch(UNKNOWN, &json!({"version": 1})).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn oversized_patch_leaves_contact_unchanged() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let body = json!({"display_name": "Ada", "attributes": {"a": "x".repeat(10_000)}});
    let made: Contact = tenant.client.create(&body).await;
    let answer = tenant.client.try_change(&made, json!({"attributes": {"b": "y".repeat(10_000)}})).await;
    assert_eq!(pointers(&answer), ["/attributes"]);
    assert_eq!(tenant.client.reload(&made).await, made);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_updates_of_one_version_apply_once() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let mut contact = contact_of(&tenant, "Ada", &fresh_phone()).await;
    for round in 0..5 {
        let change = |n: usize| tenant.client.try_change(&contact, json!({"attributes": {"winner": [round, n]}}));
        let answers = join_all((0..4).map(change)).await;
        let won: Vec<Contact> = answers.iter().filter(|it| it.status == 200).map(|it| it.body(200)).collect();
        assert_eq!(won.len(), 1);
        answers.iter().filter(|it| it.status != 200).for_each(|it| drop(it.problem(409, "stale_version")));
        contact = tenant.client.reload(&contact).await;
        assert_eq!(contact, won[0]);
    }
    assert_eq!(contact.version, 6);
}
