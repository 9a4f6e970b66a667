//! Marketing consent, as reported by customers and set by users.

use serde_json::json;

use super::{contact_of, kinds};
use crate::kit::api::Contact;
use crate::kit::app::TestApp;
use crate::kit::customer::Customer;
use crate::kit::meta::second;

#[tokio::test(flavor = "multi_thread")]
async fn latest_consent_counts_and_each_change_is_recorded() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let preference = |at: i64, value: &str| {
        let preference = json!({
            "wa_id": ada.phone, "user_id": ada.bsuid, "category": "marketing_messages", "value": value,
            "timestamp": second(at),
        });
        number.change("user_preferences", json!({"user_preferences": [preference]}))
    };
    let made = contact_of(&tenant, "Ada", ada.phone()).await;
    assert_eq!(kinds(&tenant, &made).await, [""; 0]);

    let granted = tenant.client.change(&made, json!({"marketing_consent": "granted"})).await;
    assert_eq!(granted.marketing_consent, "granted");
    // Setting the same value again records nothing.
    assert_eq!(tenant.client.change(&granted, json!({"marketing_consent": "granted"})).await, granted);
    let interactions = tenant.interactions(&made).await;
    assert_eq!(interactions.len(), 1);
    assert_eq!(interactions[0].kind, "consent_changed");
    assert_eq!(interactions[0].actor_id, Some(tenant.me().await.user.id));
    assert_eq!(interactions[0].text, "Wants marketing messages");

    // A report older than the user's change is ignored; a later one counts.
    app.process(&preference(10, "stop")).await;
    assert_eq!(tenant.client.reload(&made).await.marketing_consent, "granted");
    app.process(&preference(7_200, "stop")).await;
    assert_eq!(tenant.client.reload(&made).await.marketing_consent, "withdrawn");
    assert_eq!(kinds(&tenant, &made).await, ["consent_changed"; 3]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_of_new_contact_is_recorded() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let body = json!({"display_name": "Ada", "marketing_consent": "withdrawn"});
    let made: Contact = tenant.client.create(&body).await;
    let interactions = tenant.interactions(&made).await;
    assert_eq!((interactions.len(), interactions[0].text.as_str()), (1, "Wants no marketing messages"));
}
