use crate::kit::deployment::Deployment;
use crate::kit::wait;

/// 50 tenants, each with finished events of 100 kinds, a dead letter and an unroutable event. The ids are from the future,
/// so that retention does not delete the events.
const BUSY: &str = "
SET ROLE parley_owner;
INSERT INTO tenants (id, slug, name, created_at)
SELECT gen_random_uuid(), 'scrape-' || n, 'Tenant ' || n, now() FROM generate_series(1, 50) n;
INSERT INTO webhook_events (id, tenant_id, app_id, kind, dedupe_key, status, received_at, processed_at)
SELECT overlay(gen_random_uuid()::text placing '01ff' from 1)::uuid, t.id, 'deployment', 'kind_' || k, t.slug || '-' || k, 'processed', now(), now()
  FROM tenants t, generate_series(1, 100) k;
INSERT INTO webhook_events (id, tenant_id, app_id, kind, dedupe_key, status, received_at, processed_at, error_class)
SELECT overlay(gen_random_uuid()::text placing '01ff' from 1)::uuid, t.id, 'deployment', 'message', t.slug || '-dead', 'dead_letter', now(), now(), 'permanent'
  FROM tenants t;
INSERT INTO webhook_events (id, app_id, kind, dedupe_key, status, received_at, phone_number_id)
SELECT overlay(gen_random_uuid()::text placing '01ff' from 1)::uuid, 'deployment', 'message', 'lost' || n, 'unroutable', now(), '1' || n
  FROM generate_series(1, 50) n;";

#[tokio::test(flavor = "multi_thread")]
async fn metrics_stay_bounded_with_many_tenants_and_kinds() {
    let deployment = Deployment::new().await;
    deployment.database.execute(BUSY).await;
    let server = deployment.serve_as("api,relay,worker,scheduler").await;
    let measured = ["parley_events_dead_letter 50", r#"parley_events_waiting{status="unroutable"} 50"#];
    wait::until("the backlog gauges", async || {
        let text = server.metrics().await;
        measured.iter().all(|series| text.lines().any(|line| line == *series)).then_some(())
    })
    .await;
    // Anonymous requests to every route.
    let document = server.client.get("/openapi.json").await.json(200);
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            server.client.send(method, &path.replace(['{', '}'], ""), None).await;
        }
    }
    let series = server.metrics().await.lines().filter(|line| !line.starts_with('#')).count();
    assert!((200..5_000).contains(&series), "{series} series");
    server.signal("TERM");
    assert!(server.exit().await.success());
    deployment.finish().await;
}
