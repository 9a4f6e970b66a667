//! What one tenant, number or token suffers, no other feels (S5).

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use kernel::{Clock as _, SystemClock};
use serde_json::json;

use crate::kit::api::{Conversation, Message};
use crate::kit::app::TestTenant;
use crate::kit::sandbox::Line;
use crate::kit::sending_setup::SendingSetup;
use crate::kit::sent_messages::{send_of, wishes};
use crate::kit::wait;

const TENANTS: usize = 20;
/// The first tenants.
const SICK: usize = 3;
const MESSAGES: usize = 40;
/// Between two messages of a tenant.
const INTERVAL: Duration = Duration::from_millis(500);
const LIMIT: Duration = Duration::from_mins(5);
/// What the machine adds by chance.
const SLACK_MS: f64 = 150.0;

struct Sending {
    tenant: TestTenant,
    line: Line,
    conversation: Conversation,
}

/// When each message was wanted, in milliseconds since 1970.
type Wanted = HashMap<String, i64>;

/// Each tenant sends at its own pace; the messages of the healthy ones.
async fn send(all: &[Sending]) -> Wanted {
    let sends = all.iter().enumerate().map(async |(index, it)| {
        let mut wanted = Wanted::new();
        tokio::time::sleep(INTERVAL.mul_f64(index as f64 / TENANTS as f64)).await;
        let mut ticks = tokio::time::interval(INTERVAL);
        for number in 0..MESSAGES {
            ticks.tick().await;
            let at = SystemClock::new().now().timestamp_millis();
            let sent: Message = it.tenant.send_text(&it.conversation, &format!("message {number}")).await;
            if index >= SICK {
                wanted.insert(sent.id, at);
            }
        }
        wanted
    });
    join_all(sends).await.into_iter().flatten().collect()
}

/// The milliseconds from the request to the sandbox, sorted.
async fn delays(setup: &SendingSetup, wanted: &Wanted) -> Vec<i64> {
    wait::within(LIMIT, "the healthy tenants' messages to be accepted", async || {
        let all = wishes(&setup.deployment.database).await;
        let left = all.iter().filter(|wish| wanted.contains_key(&wish.message) && wish.state != "accepted").count();
        (left == 0).then_some(())
    })
    .await;
    let all = wishes(&setup.deployment.database).await;
    let sends: HashMap<&str, &str> = all.iter().map(|wish| (wish.send.as_str(), wish.message.as_str())).collect();
    let journal = setup.meta.whole_journal().await;
    let mut delays: Vec<i64> = journal
        .iter()
        .filter_map(|entry| Some(entry.received_at_ms - wanted.get(*sends.get(send_of(entry))?)?))
        .collect();
    delays.sort_unstable();
    assert_eq!(delays.len(), wanted.len());
    delays
}

fn percentile(sorted: &[i64], percent: usize) -> i64 {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

/// S5: of twenty tenants one has a dead token, one is throttled, and one is limited with its customer.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn sick_tenants_do_not_slow_the_others() {
    let setup = SendingSetup::new().await;
    let mut all = Vec::new();
    for _ in 0..TENANTS {
        let (tenant, line) = setup.tenant_with_line().await;
        let (_, conversation) = setup.meta.conversation(&tenant, &line).await;
        // A pair may send 45 at once, and more messages go to each customer.
        let path = format!("/numbers/{}", line.number.phone_number_id);
        setup.meta.patch(&path, &json!({"pair_limit": null})).await;
        all.push(Sending { tenant, line, conversation });
    }
    // The other number of the tenant whose token dies.
    let tenant = all[0].tenant.clone();
    let line = setup.line(&tenant).await;
    let (_, conversation) = setup.meta.conversation(&tenant, &line).await;
    all.push(Sending { tenant, line, conversation });
    let senders = [setup.sender().await, setup.sender().await];
    let calm = send(&all).await;
    let calm = delays(&setup, &calm).await;

    let number = format!("/numbers/{}", all[0].line.number.phone_number_id);
    setup.meta.patch(&number, &json!({"token_error": 463})).await;
    setup.meta.fault(&all[1].line, json!({"fault": "throttle"})).await;
    setup.meta.fault(&all[2].line, json!({"fault": "error", "code": 131_056})).await;
    let sick = send(&all).await;
    let sick = delays(&setup, &sick).await;

    for (name, delays) in [("calm", &calm), ("beside three that suffer", &sick)] {
        println!(
            "from the request to Meta, {name}: p50 {} ms, p90 {} ms, p99 {} ms, of {}",
            percentile(delays, 50),
            percentile(delays, 90),
            percentile(delays, 99),
            delays.len()
        );
    }
    let states = setup.deployment.database.text(
        "SELECT jsonb_object_agg(account_id, states)::text AS finding
           FROM (SELECT account_id, count(*) AS states FROM sends WHERE state = 'queued' GROUP BY account_id) s",
    );
    let waiting: HashMap<String, usize> = serde_json::from_str(&states.await).unwrap();
    let expected: Vec<&str> = all[..SICK].iter().map(|it| it.line.account.id.as_str()).collect();
    assert!(expected.iter().all(|id| waiting.contains_key(*id)) && waiting.len() == SICK, "{waiting:?}");
    let (before, after) = (percentile(&calm, 99) as f64, percentile(&sick, 99) as f64);
    assert!(after <= before * 1.2 + SLACK_MS, "p99 of the others was {before} ms, and is {after} ms");
    setup.shut_down(senders).await;
}
