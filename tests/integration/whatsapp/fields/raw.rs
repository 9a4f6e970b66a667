//! Fields that the CRM does not use: stored byte for byte, counted, and without effect on contacts or messages.

use serde_json::{Value, json};

use crate::kit::app::{TestApp, metrics};
use crate::kit::meta::Number;
use crate::kit::wait::until;

#[tokio::test(flavor = "multi_thread")]
async fn other_fields_are_stored_and_counted() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let template = |event: &str| {
        json!({"event": event, "message_template_id": 1_689_556_908_129_832_i64, "message_template_name": "offer",
               "message_template_language": "en-US", "reason": null})
    };
    let group = json!({"groups": [{"timestamp": 1_790_000_000, "group_id": "1203", "type": "group_create",
                                   "request_id": "r", "errors": [{"code": 1}]}]});
    let rows = [
        ("message_template_status_update", template("APPROVED")),
        ("message_template_quality_update", json!({"previous_quality_score": "GREEN", "new_quality_score": "RED"})),
        ("message_template_components_update", json!({"message_template_element": "Hello {{1}}"})),
        ("template_category_update", json!({"previous_category": "UTILITY", "new_category": "MARKETING"})),
        ("template_correct_category_detection", json!({"category": "MARKETING"})),
        ("group_lifecycle_update", group.clone()),
        ("group_participants_update", group.clone()),
        ("group_settings_update", group.clone()),
        ("group_status_update", group),
        ("message_echoes", json!({"message_echoes": [{"id": "wamid.E", "to": "15550100", "type": "text"}]})),
        ("automatic_events", json!({"automatic_events": [{"id": "1", "event_name": "Lead"}]})),
        ("flows", json!({"event": "FLOW_STATUS_CHANGE", "flow_id": "1"})),
        ("payment_configuration_update", json!({"configuration_name": "pix", "status": "Active"})),
        ("partner_solutions", json!({"event": "SOLUTION_CREATED", "solution_id": "1"})),
        ("consumer_profile", json!({"profile": {}})),
        ("a_field_of_tomorrow", json!({"messages": [{"id": "wamid.F", "from": "15550100"}]})),
        ("Not a word ☃", json!({"x": 1})),
        ("", json!({"x": 1})),
    ];
    let before = counted();
    for (field, value) in &rows {
        app.deliver(&number.account_change(10, field, value)).await.expect(200);
    }
    // Clicks and errors beside no message arrive under `messages` and concern no contact.
    for value in [
        json!({"user_actions": [{"action_type": "marketing_messages_link_click"}]}),
        json!({"errors": [{"code": 130_429, "title": "Rate limit hit"}]}),
    ] {
        app.deliver(&number.change("messages", value)).await.expect(200);
    }
    app.wait_until_processed().await;
    let all = i64::try_from(rows.len()).unwrap() + 2;
    assert_eq!(app.events(&format!("status = 'processed' AND tenant_id = '{}'", tenant.id)).await, all);
    for (field, value) in &rows {
        let kept = kept(&app, &number, field).await;
        assert_eq!(kept["entry"]["changes"][0]["value"], *value, "{field}");
    }
    // All tests share one registry, so other tests count too.
    let expected = before + u64::try_from(all).unwrap();
    until("the events to be counted", async || (counted() >= expected).then_some(())).await;
    assert_eq!((tenant.contacts().await, tenant.conversations().await), (vec![], vec![]));
    let account = tenant.accounts().await.remove(0);
    assert_eq!((&account.health, account.status.as_str()), (&json!({}), "active"));
    app.finish().await;
}

/// The processed events that are neither messages nor statuses, as Prometheus reads them.
fn counted() -> u64 {
    let series = |line: &&str| {
        line.starts_with("parley_webhook_events_total{")
            && line.contains(r#"kind="change""#)
            && line.contains(r#"outcome="processed""#)
    };
    metrics().lines().find(series).and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
}

/// The stored bytes of a field's event, as JSON.
async fn kept(app: &TestApp, number: &Number, field: &str) -> Value {
    use diesel_async::RunQueryDsl;

    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Binary)]
        body: Vec<u8>,
    }
    let rows: Vec<Row> =
        diesel::sql_query("SELECT p.body FROM webhook_payloads p WHERE position(convert_to($1, 'UTF8') IN p.body) > 0")
            .bind::<diesel::sql_types::Text, _>(format!(r#""field":{}"#, Value::from(field)))
            .load(&mut app.database.admin().await)
            .await
            .unwrap();
    assert_eq!(rows.len(), 1, "{field}");
    let entry: Value = serde_json::from_slice(&rows[0].body).unwrap();
    assert_eq!(entry["id"], number.waba_id.as_str(), "{field}");
    json!({"entry": entry})
}
