use std::time::{Duration, Instant};

use crate::kit::deployment::Deployment;
use crate::kit::machine_lock::{Isolation, share};
use crate::kit::measure::report;
use crate::kit::wait;

const OBJECTIVE: Duration = Duration::from_millis(20);
const SCRAPES: usize = 31;

/// The ids are of a time to come, or what is new would be deleted for its age. 50 tenants, each with finished events of 100 kinds, a dead letter and one that nobody knows the number of.
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
async fn metrics_are_served_under_load() {
    let deployment = Deployment::beside(Isolation::Exclusive).await;
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
    // Over one connection, as Prometheus does.
    let scraper = server.scraper();
    let before = share().await;
    let mut took = Vec::new();
    let mut lines = 0;
    for _ in 0..SCRAPES {
        let start = Instant::now();
        lines = scraper.get("/metrics").await.text.lines().count();
        took.push(start.elapsed());
    }
    took.sort_unstable();
    let median = took[SCRAPES / 2];
    let share = share().await.min(before);
    report(&format!("/metrics: median {median:?} of {SCRAPES}, {lines} lines, with {share:.2} of the machine"));
    // Programs beside us make everything slower; the objective is for a machine of our own.
    assert!(median.mul_f64(share) < OBJECTIVE, "{took:?} with {share:.2} of the machine");
    server.signal("TERM");
    assert!(server.exit().await.success());
    deployment.finish().await;
}
