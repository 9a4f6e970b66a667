//! Phone numbers as people write them.

use serde_json::{Value, json};

use super::{create, pointers};
use crate::kit::api::Contact;
use crate::kit::app::{TestApp, TestTenant};
use crate::kit::customer::Customer;
use crate::kit::meta::Number;

fn with_phone(number: &str) -> Value {
    json!({"identities": [{"kind": "phone", "value": number}]})
}

/// Connects a number of this country, so that national forms are of it.
async fn connect(tenant: &TestTenant, display_phone_number: &str) {
    let number = Number::fresh();
    let account = json!({
        "phone_number_id": number.phone_number_id, "waba_id": number.waba_id, "display_phone_number": display_phone_number,
    });
    tenant.client.post("/whatsapp-accounts", &account).await.expect(201);
}

/// The numbers of the contacts that are found, in order.
async fn found(tenant: &TestTenant, query: &str) -> Vec<String> {
    let encoded: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let answer: Value = tenant.client.read(&format!("/crm/search?q={encoded}")).await;
    let numbers = answer["data"].as_array().unwrap().iter().map(|hit| {
        assert_eq!(hit["by"], "phone", "{query}");
        hit["contact"]["identities"][0]["value"].as_str().unwrap().to_owned()
    });
    numbers.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn number_in_any_notation_is_stored_once() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let made: Contact = tenant.client.create(&with_phone("+44 (0)20 7946 0958")).await;
    assert_eq!((made.identities[0].value.as_str(), made.title.as_str()), ("442079460958", "+44 20 7946 0958"));
    for same in [
        "0044 20 7946 0958",
        "tel:+442079460958",
        "442079460958",
        "\u{202a}+44\u{a0}20\u{2011}7946\u{202f}0958\u{202c}",
        "\u{ff0b}\u{ff14}\u{ff14} 20 7946 0958",
    ] {
        create(&tenant, &with_phone(same)).await.problem(409, "identity_taken");
        assert_eq!(found(&tenant, same).await, ["442079460958"], "{same}");
    }
    for wrong in
        ["0151 23456789", "+999 123 456 789", "+49 151 CALL ME", "12345", "+1 201 555 0123 4567", "020 7946 0958"]
    {
        assert_eq!(pointers(&create(&tenant, &with_phone(wrong)).await), ["/identities/0/value"], "{wrong}");
    }
    assert_eq!(tenant.contacts().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn national_form_is_of_the_tenants_country() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    connect(&tenant, "+49 30 901820").await;
    let made: Contact = tenant.client.create(&with_phone("0151 23456789")).await;
    assert_eq!(made.identities[0].value, "4915123456789");
    let american: Contact = tenant.client.create(&with_phone("+1 901-788-0795")).await;
    assert_eq!(american.identities[0].value, "19017880795");
    for (query, number) in [
        ("0151 23456789", "4915123456789"),
        ("0151/234567", "4915123456789"),
        ("151 23456789", "4915123456789"),
        ("901-788-0795", "19017880795"),
        ("(901) 788-0795", "19017880795"),
        ("788-0795", "19017880795"),
        ("001 901 788 0795", "19017880795"),
    ] {
        assert_eq!(found(&tenant, query).await, [number], "{query}");
    }
    for none in ["0151 23456788", "+901 788 0795", "80795", "0152 23456789"] {
        assert_eq!(found(&tenant, none).await, [""; 0], "{none}");
    }
    // A number that two of the tenant's countries have is ambiguous.
    connect(&tenant, "+1 201 555 0123").await;
    connect(&tenant, "+44 20 7946 0958").await;
    assert_eq!(pointers(&create(&tenant, &with_phone("901-788-0796")).await), ["/identities/0/value"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn number_of_before_its_plan_changed_is_one_contact() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    for (written, old, new) in [
        ("+225 07 08 12 34 56", "22508123456", "2250708123456"),
        ("+225 45 12 34 56", "22545123456", "2250545123456"),
        ("+229 97 12 34 56", "22997123456", "2290197123456"),
        ("+229 01 96 12 34 56", "22996123456", "2290196123456"),
        ("+55 11 98765-4321", "551187654321", "5511987654321"),
    ] {
        let made: Contact = tenant.client.create(&with_phone(written)).await;
        for (at, wa_id) in [old, new].into_iter().enumerate() {
            let customer = Customer::with_phone(wa_id);
            app.process(&number.received(&customer, &[customer.text(i64::try_from(at).unwrap(), "hi")])).await;
            let body = with_phone(&format!("+{wa_id}"));
            create(&tenant, &body).await.problem(409, "identity_taken");
            assert_eq!(found(&tenant, &format!("+{wa_id}")).await.len(), 1, "{wa_id}");
        }
        let contact = tenant.contact(&made.id).await;
        assert_eq!(tenant.conversations_with(&contact).await[0].unread_count, 2, "{written}");
    }
    assert_eq!(tenant.contacts().await.len(), 5);
    // Meta's ids are never refused, whatever they look like.
    for strange in ["999123456789", "12", "4902079460958123"] {
        let customer = Customer::with_phone(strange);
        app.process(&number.received(&customer, &[customer.text(9, "hi")])).await;
        tenant.contact_by_identity("phone", strange).await;
    }
    app.finish().await;
}
