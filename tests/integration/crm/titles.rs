//! Rows say who the contact is.

use serde_json::{Value, json};

use crate::kit::app::TestApp;
use crate::kit::customer::{Customer, fresh_bsuid};

#[tokio::test(flavor = "multi_thread")]
async fn every_row_about_a_contact_says_who_it_is() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let unnamed = |customer: Customer| Customer { name: None, ..customer };
    let rows = [
        (Customer::with_phone("447911123456").named("Grace"), "Grace"),
        (unnamed(Customer::with_phone("447911123457").with_username("amazing.grace")), "amazing.grace"),
        (unnamed(Customer::with_phone("447911123458")), "+44 7911 123458"),
        (unnamed(Customer::with_bsuid(&fresh_bsuid())), "Unknown"),
    ];
    for (at, (customer, title)) in (1..).zip(&rows) {
        let word = format!("pineapple{at}");
        app.process(&number.received(customer, &[customer.text(at, &word)])).await;
        let conversation: Value = tenant.client.read("/crm/conversations?limit=1").await;
        let conversation = &conversation["data"][0];
        assert_eq!(conversation["last_message_preview"], word);
        assert_eq!(conversation["contact"]["title"], *title);
        let path = |list: &str, id: &Value| format!("/crm/{list}/{}", id.as_str().unwrap());
        let of_conversation = path("conversations", &conversation["id"]);
        let of_contact = path("contacts", &conversation["contact_id"]);
        for (path, pointer) in [
            (of_conversation.clone(), "/contact/title"),
            (format!("{of_conversation}/messages"), "/data/0/title"),
            (of_contact.clone(), "/title"),
            ("/crm/contacts?limit=1".to_owned(), "/data/0/title"),
            (format!("{of_contact}/interactions"), "/data/0/title"),
            (format!("/crm/search?q={word}"), "/data/0/message/title"),
        ] {
            let answer: Value = tenant.client.read(&path).await;
            assert_eq!(answer.pointer(pointer), Some(&json!(title)), "{path}");
        }
    }
    let found: Value = tenant.client.read("/crm/search?q=447911123458").await;
    assert_eq!(found["data"][0]["contact"]["title"], "+44 7911 123458");
    app.finish().await;
}
