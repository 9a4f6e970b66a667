//! Events about accounts and numbers.

use serde_json::{Value, json};

use crate::kit::api::WhatsAppAccount;
use crate::kit::app::{TestApp, TestTenant};
use crate::kit::customer::joined;
use crate::kit::meta::{Number, second, time};

async fn account(tenant: &TestTenant, number: &Number) -> WhatsAppAccount {
    let mut accounts = tenant.accounts().await;
    accounts.retain(|account| account.phone_number_id == number.phone_number_id);
    accounts.remove(0)
}

/// Whether the account still receives deliveries, and the affected part of its health.
type Row = (&'static str, Value, &'static str);

#[tokio::test(flavor = "multi_thread")]
async fn account_events_update_health_or_disconnect() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let event = |event: &str| json!({"event": event});
    let with = |event: &str, member: &str, value: Value| json!({"event": event, member: value});
    let rows: Vec<Row> = vec![
        ("violation", with("ACCOUNT_VIOLATION", "violation_info", json!({"violation_type": "ALCOHOL"})), "active"),
        (
            "restriction",
            with(
                "ACCOUNT_RESTRICTION",
                "restriction_info",
                json!([{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1_799_999_999}]),
            ),
            "active",
        ),
        (
            "scheduled ban",
            with("DISABLED_UPDATE", "ban_info", json!({"waba_ban_state": "SCHEDULE_FOR_DISABLE"})),
            "active",
        ),
        (
            "ban",
            with("DISABLED_UPDATE", "ban_info", json!({"waba_ban_state": "DISABLE", "waba_ban_date": "2026-11-23"})),
            "disconnected",
        ),
        ("end of a ban", with("DISABLED_UPDATE", "ban_info", json!({"waba_ban_state": ["REINSTATE"]})), "active"),
        ("deleted", event("ACCOUNT_DELETED"), "disconnected"),
        ("offboarded", event("ACCOUNT_OFFBOARDED"), "disconnected"),
        ("reconnected", event("ACCOUNT_RECONNECTED"), "active"),
        ("partner added", event("PARTNER_ADDED"), "active"),
        ("partner removed", event("PARTNER_REMOVED"), "disconnected"),
        ("app installed", event("PARTNER_APP_INSTALLED"), "active"),
        ("app uninstalled", event("PARTNER_APP_UNINSTALLED"), "active"),
        ("certification", event("PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE"), "active"),
        ("verified", event("VERIFIED_ACCOUNT"), "active"),
        ("country", with("BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE", "country", json!("DE")), "active"),
        (
            "tier",
            with("VOLUME_BASED_PRICING_TIER_UPDATE", "volume_tier_info", json!({"tier": "25000:50000"})),
            "active",
        ),
        ("price", event("AUTH_INTL_PRICE_ELIGIBILITY_UPDATE"), "active"),
        ("terms", event("MM_LITE_TERMS_SIGNED"), "active"),
        ("ads", event("AD_ACCOUNT_LINKED"), "active"),
        ("something new", event("ACCOUNT_PAINTED"), "active"),
    ];
    let mut numbers = Vec::new();
    for _ in &rows {
        numbers.push(tenant.connect().await);
    }
    // A partner's event is sent for the business portfolio and names the account.
    let delivery_of = |row: &Row, number: &Number| {
        let mut value = row.1.clone();
        if value["event"].as_str().unwrap().starts_with("PARTNER_") {
            value["waba_info"] = json!({"waba_id": number.waba_id, "owner_business_id": "5"});
            return json!({"object": "whatsapp_business_account", "entry": [
                {"id": "5", "time": second(10), "changes": [{"field": "account_update", "value": value}]}]});
        }
        number.account_change(10, "account_update", &value)
    };
    let deliveries: Vec<Value> = rows.iter().zip(&numbers).map(|(row, number)| delivery_of(row, number)).collect();
    app.process(&joined(&deliveries)).await;
    for (((name, _, status), number), delivery) in rows.iter().zip(&numbers).zip(&deliveries) {
        let account = account(&tenant, number).await;
        let detail = &delivery["entry"][0]["changes"][0]["value"];
        assert_eq!(account.health["account"], json!({"at": time(10), "detail": detail}), "{name}");
        assert_eq!(account.status, *status, "{name}");
    }

    // A reinstated account is connected again, no matter who disconnected it last.
    for (at, event, status) in [(30, "ACCOUNT_RECONNECTED", "active"), (20, "ACCOUNT_DELETED", "active")] {
        let (_, number) = rows.iter().zip(&numbers).find(|((name, ..), _)| *name == "deleted").unwrap();
        app.process(&number.account_change(at, "account_update", &json!({"event": event}))).await;
        assert_eq!(account(&tenant, number).await.status, status, "{event}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_field_updates_its_part_of_health() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let phone = "15550001";
    let rows = [
        (
            "account_alerts",
            "alerts",
            json!({"entity_type": "BUSINESS", "entity_id": "1", "alert_severity": "CRITICAL",
            "alert_status": "ACTIVE", "alert_type": "INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED"}),
        ),
        ("account_review_update", "review", json!({"decision": "APPROVED"})),
        (
            "account_settings_update",
            "settings",
            json!({"messaging_product": "whatsapp", "timestamp": second(1).to_string(),
            "type": "phone_number_settings", "phone_number_settings": {"phone_number_id": number.phone_number_id,
            "calling": {"status": "ENABLED"}}}),
        ),
        (
            "business_capability_update",
            "capability",
            json!({"max_daily_conversation_per_phone": 1000,
            "max_phone_numbers_per_business": 2}),
        ),
        (
            "security",
            "security",
            json!({"display_phone_number": phone, "event": "PIN_RESET_REQUEST", "requester": "5"}),
        ),
        (
            "phone_number_quality_update",
            "quality",
            json!({"display_phone_number": phone, "event": "THROUGHPUT_UPGRADE",
            "current_limit": "TIER_UNLIMITED"}),
        ),
        (
            "phone_number_name_update",
            "name",
            json!({"display_phone_number": phone, "decision": "REJECTED",
            "requested_verified_name": "Tea", "rejection_reason": null}),
        ),
        (
            "business_username_update",
            "username",
            json!({"display_phone_number": phone, "username": "tea",
            "status": "approved"}),
        ),
    ];
    let deliveries: Vec<Value> = rows.iter().map(|(field, _, value)| number.account_change(10, field, value)).collect();
    app.process(&joined(&deliveries)).await;
    let health = account(&tenant, &number).await.health.clone();
    for (field, side, value) in &rows {
        assert_eq!(health[side], json!({"at": time(10), "detail": value}), "{field}");
    }
    // The field has two names.
    let reserved = json!({"display_phone_number": phone, "status": "deleted"});
    app.process(&number.account_change(20, "business_username_updates", &reserved)).await;
    let account = account(&tenant, &number).await;
    assert_eq!(account.health["username"], json!({"at": time(20), "detail": reserved}));
    assert_eq!(account.status, "active");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn account_change_reaches_each_tenant_of_the_business_account() {
    let app = TestApp::start_with_pipeline().await;
    let (first, second, elsewhere) = (app.tenant().await, app.tenant().await, app.tenant().await);
    let number = first.connect().await;
    let [second_number, third_number, own_number] = [number.sibling(), number.sibling(), number.sibling()];
    second.connect_number(&second_number).await;
    second.connect_number(&third_number).await;
    // The same business account on another app.
    let own = elsewhere.meta_app().await;
    elsewhere.connect_to(&own, &own_number).await;
    let update = |at: i64, event: &str| number.account_change(at, "account_update", &json!({"event": event}));
    let violation = update(10, "ACCOUNT_VIOLATION");
    app.process(&violation).await;
    app.process(&violation).await;
    let of_account = format!("kind = 'account_update' AND tenant_id IN ('{}', '{}')", first.id, second.id);
    assert_eq!(app.events(&of_account).await, 2, "one for each tenant, once");
    for (tenant, number) in [(&first, &number), (&second, &second_number), (&second, &third_number)] {
        let account = account(tenant, number).await;
        let expected = json!({"at": time(10), "detail": {"event": "ACCOUNT_VIOLATION"}});
        assert_eq!((&account.health["account"], account.status.as_str()), (&expected, "active"));
    }
    let untouched = account(&elsewhere, &own_number).await;
    assert_eq!(untouched.health["account"], Value::Null);

    // Accounts that Meta disconnected learn when Meta restores them.
    for (at, event, status) in [(20, "ACCOUNT_DELETED", "disconnected"), (30, "ACCOUNT_RECONNECTED", "active")] {
        app.process(&update(at, event)).await;
        for (tenant, number) in [(&first, &number), (&second, &second_number), (&second, &third_number)] {
            assert_eq!(account(tenant, number).await.status, status, "{event}");
        }
    }
    let verified = own_number.account_change(40, "account_update", &json!({"event": "VERIFIED_ACCOUNT"}));
    app.deliver_for_app(&own, &verified).await.expect(200);
    app.wait_until_processed().await;
    assert_eq!(account(&elsewhere, &own_number).await.health["account"]["at"], time(40));
    assert_eq!(account(&first, &number).await.health["account"]["at"], time(30));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn number_event_does_not_affect_sibling_number() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let numbers = [Number::fresh(), Number::fresh()];
    let numbers = [numbers[0].clone(), Number { waba_id: numbers[0].waba_id.clone(), ..numbers[1].clone() }];
    for (number, display) in numbers.iter().zip(["+1 555-0001", "15550002"]) {
        let body = json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id,
                          "display_phone_number": display});
        tenant.client.post("/whatsapp-accounts", &body).await.json(201);
    }
    let flagged = json!({"display_phone_number": "+1 (555) 0002", "event": "FLAGGED", "current_limit": "TIER_1K"});
    app.process(&numbers[0].account_change(10, "phone_number_quality_update", &flagged)).await;
    let calling = json!({"type": "phone_number_settings",
                         "phone_number_settings": {"phone_number_id": numbers[1].phone_number_id}});
    app.process(&numbers[0].account_change(10, "account_settings_update", &calling)).await;
    let alert = json!({"entity_type": "PHONE_NUMBER", "entity_id": numbers[0].phone_number_id, "alert_type": "X"});
    app.process(&numbers[0].account_change(10, "account_alerts", &alert)).await;
    // An event about the whole account applies to both numbers.
    app.process(&numbers[0].account_change(20, "account_review_update", &json!({"decision": "APPROVED"}))).await;
    let health = [account(&tenant, &numbers[0]).await, account(&tenant, &numbers[1]).await];
    for (side, detail, whose) in [("quality", &flagged, 1), ("settings", &calling, 1), ("alerts", &alert, 0)] {
        assert_eq!(health[1 - whose].health[side], Value::Null, "{side}");
        assert_eq!(health[whose].health[side], json!({"at": time(10), "detail": detail}), "{side}");
    }
    for account in health {
        assert_eq!(account.health["review"]["detail"]["decision"], "APPROVED");
    }

    // The event names a number that is not connected here; a number whose display number is unknown could be it.
    let alone = Number::fresh();
    let body =
        json!({"phone_number_id": alone.phone_number_id, "waba_id": alone.waba_id, "display_phone_number": "1555"});
    tenant.client.post("/whatsapp-accounts", &body).await.json(201);
    let nameless = tenant.connect().await;
    for (number, expected) in [(&alone, Value::Null), (&nameless, flagged.clone())] {
        app.process(&number.account_change(10, "phone_number_quality_update", &flagged)).await;
        assert_eq!(account(&tenant, number).await.health["quality"]["detail"], expected);
    }
    app.finish().await;
}
