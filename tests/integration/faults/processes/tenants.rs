//! The wall between tenants, where somebody forgets to say which tenant it is.

use diesel_async::RunQueryDsl;

use crate::kit::database::count;
use crate::kit::stage::Stage;

/// I4, I6: a connection that never said whose data it works on sees no event, takes none, finishes none and loses none.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn a_tenant_setting_that_is_not_set() {
    let mut stage = Stage::set().await;
    let server = stage.serve_as("api").await;
    stage.send_to(&[&server]);
    stage.sender.burst(10).await;

    let mut lost = stage.deployment.database.as_app().await;
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

    let worker = stage.serve_as("relay,worker").await;
    stage.settle(0).await;
    stage.strike([server, worker]).await;
}
