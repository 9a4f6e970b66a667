//! One tenant has very many events.

use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection as _;
use kernel::{Clock, SystemClock};

use crate::kit::fault_setup::FaultSetup;
use crate::kit::meta::{Number, fresh_digits};
use crate::kit::{backlog, wait};

/// Another tenant's message is processed within this time.
const LIMIT: Duration = Duration::from_secs(2);

/// The relay, the queue and the workers serve tenants in turn.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn million_events_of_one_tenant_do_not_delay_another() {
    let mut setup = FaultSetup::new().await;
    let busy = Number::fresh();
    let [tenant, account] = [(); 2].map(|()| SystemClock::new().new_id().to_string());
    let rows = format!(
        "SET ROLE parley_owner;
         INSERT INTO tenants (id, slug, name, created_at) VALUES ('{tenant}', 't-{}', 'Busy Tenant', now());
         INSERT INTO whatsapp_accounts
           (tenant_id, id, app_id, phone_number_id, waba_id, status, created_at, updated_at)
         VALUES ('{tenant}', '{account}', 'deployment', '{}', '{}', 'active', now(), now())",
        fresh_digits(),
        busy.phone_number_id,
        busy.waba_id,
    );
    setup.deployment.database.admin().await.batch_execute(&rows).await.unwrap();
    backlog::insert(&setup.deployment.database, &busy, 1_000_000, 10).await;
    let server = setup.serve_as("api,relay,worker").await;
    setup.send_to(&[&server]);
    let processed = format!("tenant_id = '{tenant}' AND status = 'processed'");
    wait::within(Duration::from_mins(1), "the backlog to be processed", async || {
        (setup.events(&processed).await > 1_000).then_some(())
    })
    .await;

    let (mut slowest, others) = (Duration::ZERO, format!("tenant_id <> '{tenant}' AND status = 'processed'"));
    for sent in 1..=20 {
        let delivery = setup.sender.delivery(1);
        let started = Instant::now();
        setup.sender.deliver(0, delivery).await;
        wait::until("the other tenant's message", async || (setup.events(&others).await == sent).then_some(())).await;
        slowest = slowest.max(started.elapsed());
    }
    assert!(slowest < LIMIT, "the slowest of 20 messages took {slowest:?}");
    assert!(setup.events(&format!("tenant_id = '{tenant}' AND status = 'received'")).await > 500_000);
    server.kill().await;
    setup.shut_down([]).await;
}
