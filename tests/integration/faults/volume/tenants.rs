//! What one tenant, number or token suffers, no other feels (S5).

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use kernel::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::kit::api::{Conversation, Message};
use crate::kit::app::TestTenant;
use crate::kit::sandbox::Line;
use crate::kit::sending_setup::{SendingSetup, report};
use crate::kit::sent_messages::{send_of, wishes};
use crate::kit::wait;

const TENANTS: u32 = 20;
/// The first tenants.
const SICK: usize = 4;
/// One of them: it sends a template.
const WITH_TEMPLATE: usize = 3;
/// A sample of Meta's without gaps.
const TEMPLATE: &str = "hello_world";
const MESSAGES: usize = 30;
/// Of a tenant: a customer may get 45 messages at once, and then one in six seconds.
const CONVERSATIONS: usize = 4;
/// Between two messages of a tenant.
const INTERVAL: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_mins(5);
/// A busy machine slows a round by chance; what the others suffer slows every round.
const ROUNDS: usize = 3;
/// What the machine adds by chance.
const SLACK_MS: i64 = 150;

struct Sending {
    tenant: TestTenant,
    line: Line,
    conversations: Vec<Conversation>,
}

impl Sending {
    async fn new(setup: &SendingSetup, tenant: TestTenant) -> Self {
        let line = setup.line(&tenant).await;
        let conversations = setup.meta.conversations(&tenant, &line, CONVERSATIONS).await;
        Self { tenant, line, conversations: conversations.into_iter().map(|(_, conversation)| conversation).collect() }
    }
}

fn content(tenant: usize, number: usize) -> Value {
    if tenant == WITH_TEMPLATE {
        return json!({"type": "template", "template": {"name": TEMPLATE, "language": "en_US"}});
    }
    json!({"type": "text", "text": {"body": format!("message {number}")}})
}

/// When each message was wanted, in milliseconds since 1970.
type Wanted = HashMap<String, i64>;

/// Each tenant sends at its own pace; the messages of the healthy ones.
async fn send(all: &[Sending]) -> Wanted {
    let sends = all.iter().zip(0_u32..).enumerate().map(async |(index, (it, place))| {
        let mut wanted = Wanted::new();
        tokio::time::sleep(INTERVAL * place / TENANTS).await;
        let mut ticks = tokio::time::interval(INTERVAL);
        for number in 0..MESSAGES {
            ticks.tick().await;
            let at = SystemClock::new().now().timestamp_millis();
            let conversation = &it.conversations[number % CONVERSATIONS];
            let sent: Message = it.tenant.send(conversation, &content(index, number)).await;
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

fn print(name: &str, delays: &[i64]) {
    let [p50, p90, p99] = [50, 90, 99].map(|percent| percentile(delays, percent));
    let count = delays.len();
    report(&format!("from the request to Meta, {name}: p50 {p50} ms, p90 {p90} ms, p99 {p99} ms, of {count}"));
}

/// S5: of twenty tenants one has a dead token, one is throttled, one is limited with its customer, and one has a paused template.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn sick_tenants_do_not_slow_the_others() {
    let setup = SendingSetup::new().await;
    let mut all = Vec::new();
    for _ in 0..TENANTS {
        all.push(Sending::new(&setup, setup.tenant().await).await);
    }
    setup.meta.post(&format!("/wabas/{}/sample_templates", all[WITH_TEMPLATE].line.number.waba_id), &json!({})).await;
    all[WITH_TEMPLATE].tenant.client.post("/templates/sync", &json!({})).await.expect(200);
    // The other number of the tenant whose token dies.
    all.push(Sending::new(&setup, all[0].tenant.clone()).await);
    let senders = [setup.sender().await, setup.sender().await];
    let calm = send(&all).await;
    let calm = delays(&setup, &calm).await;
    print("calm", &calm);
    setup.wait_until_settled(LIMIT).await;

    let number = format!("/numbers/{}", all[0].line.number.phone_number_id);
    setup.meta.patch(&number, &json!({"token_error": 463})).await;
    setup.meta.fault(&all[1].line, json!({"fault": "throttle"})).await;
    setup.meta.fault(&all[2].line, json!({"fault": "error", "code": 131_056})).await;
    let paused = json!({"fault": "error", "code": 132_015, "template": TEMPLATE});
    setup.meta.fault(&all[WITH_TEMPLATE].line, paused).await;
    let bound = percentile(&calm, 99) * 6 / 5 + SLACK_MS;
    let mut slow = Vec::new();
    for _ in 0..ROUNDS {
        let sick = send(&all).await;
        let sick = delays(&setup, &sick).await;
        print("beside four that suffer", &sick);
        slow.push(percentile(&sick, 99));
        if slow.iter().any(|p99| *p99 <= bound) {
            break;
        }
    }
    let states = setup.deployment.database.text(
        "SELECT jsonb_object_agg(account_id, states)::text AS finding
           FROM (SELECT account_id, count(*) AS states FROM sends WHERE state = 'queued' GROUP BY account_id) s",
    );
    let waiting: HashMap<String, usize> = serde_json::from_str(&states.await).unwrap();
    let expected: Vec<&str> = all[..SICK].iter().map(|it| it.line.account.id.as_str()).collect();
    assert!(expected.iter().all(|id| waiting.contains_key(*id)) && waiting.len() == SICK, "{waiting:?}");
    assert!(slow.iter().any(|p99| *p99 <= bound), "p99 of the others is {slow:?} ms, more than {bound} ms");
    setup.shut_down(senders).await;
}
