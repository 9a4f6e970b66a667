//! Marketing consent, as reported by customers and set by users.

use serde_json::json;

use super::{contact_of, create, kinds, own_id, patch, path_of};
use crate::kit::app::TestApp;
use crate::kit::customer::Customer;
use crate::kit::meta::second;

#[tokio::test(flavor = "multi_thread")]
async fn latest_consent_counts_and_each_change_is_recorded() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let word = |at: i64, value: &str| {
        let preference = json!({
            "wa_id": ada.phone, "user_id": ada.bsuid, "category": "marketing_messages", "value": value,
            "timestamp": second(at),
        });
        number.change("user_preferences", json!({"user_preferences": [preference]}))
    };
    let made = contact_of(&tenant, "Ada", ada.phone()).await;
    assert_eq!(kinds(&tenant, &made).await, [""; 0]);
    let path = path_of(&made);

    let granted = patch(&tenant, &path, &made, json!({"marketing_consent": "granted"})).await.json(200);
    assert_eq!(granted["marketing_consent"], "granted");
    // Setting the same value again records nothing.
    assert_eq!(patch(&tenant, &path, &granted, json!({"marketing_consent": "granted"})).await.json(200), granted);
    let told = tenant.interactions(&made).await;
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["kind"], &told[0]["actor_id"]), (&json!("consent_changed"), &own_id(&tenant).await));
    assert_eq!(told[0]["text"], "Wants marketing messages");

    // A report older than the user's change is ignored; a later one counts.
    app.process(&word(10, "stop")).await;
    assert_eq!(tenant.contact(&made["id"]).await["marketing_consent"], "granted");
    app.process(&word(7_200, "stop")).await;
    assert_eq!(tenant.contact(&made["id"]).await["marketing_consent"], "withdrawn");
    assert_eq!(kinds(&tenant, &made).await, ["consent_changed"; 3]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_of_new_contact_is_recorded() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let made = create(&tenant, &json!({"display_name": "Ada", "marketing_consent": "withdrawn"})).await.json(201);
    let told = tenant.interactions(&made).await;
    assert_eq!((told.len(), &told[0]["text"]), (1, &json!("Wants no marketing messages")));
}
