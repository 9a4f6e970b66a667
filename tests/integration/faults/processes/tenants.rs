//! Tenant isolation when the tenant setting is missing.

use diesel_async::RunQueryDsl;

use crate::kit::database::count;
use crate::kit::fault_setup::FaultSetup;

/// I4, I6: a connection without a tenant setting sees, claims, finishes and loses no event.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn missing_tenant_setting_shows_no_rows() {
    let mut setup = FaultSetup::new().await;
    let server = setup.serve_as("api").await;
    setup.send_to(&[&server]);
    setup.sender.burst(10).await;

    let mut lost = setup.deployment.database.as_app().await;
    for table in ["webhook_events", "webhook_payloads", "webhook_outbox", "contacts", "messages"] {
        let seen = count(&mut lost, &format!("SELECT count(*) FROM {table}")).await;
        assert_eq!(seen.expect("reading is allowed"), 0, "{table}");
    }
    for statement in [
        "UPDATE webhook_events SET status = 'processed'",
        "UPDATE webhook_outbox SET not_before = 'infinity'",
        "DELETE FROM webhook_outbox",
    ] {
        assert_eq!(diesel::sql_query(statement).execute(&mut lost).await.unwrap(), 0, "{statement}");
    }
    let forged = "INSERT INTO webhook_outbox (event_id, tenant_id, not_before) SELECT gen_random_uuid(), id, now()
                    FROM (VALUES (gen_random_uuid())) AS tenants (id)";
    let refused = diesel::sql_query(forged).execute(&mut lost).await.unwrap_err().to_string();
    assert!(refused.contains("row-level security"), "{refused}");

    let worker = setup.serve_as("relay,worker").await;
    setup.settle(0).await;
    setup.shut_down([server, worker]).await;
}
