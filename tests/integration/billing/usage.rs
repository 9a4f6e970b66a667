//! Usage: each inbound message is counted once.

use ::billing::{MeteredMessage, SentMessage, UsageRepo};
use chrono::TimeDelta;
use flows::{Database as _, settle};
use futures_util::future::join_all;
use kernel::StoreError;
use kernel::ids::ContactId;
use serde_json::json;

use super::{
    after_the_period, choose, close, close_for, invoices, isolated_app, lines, midnight, offer, save, scope,
    subscription, today,
};
use crate::kit::api::{DailyUsage, Money, PeriodUsage, ReplayedEvents, SentMessages, TotalUsage, Usage};
use crate::kit::app::{Settings, TestApp, TestTenant};
use crate::kit::customer::{Customer, wamid};
use crate::kit::meta::text;
use crate::kit::wait;

async fn usage(tenant: &TestTenant, query: &str) -> Usage {
    tenant.client.read(&format!("/billing/usage{query}")).await
}

async fn total(tenant: &TestTenant) -> (u64, u64) {
    let total = usage(tenant, "").await.total;
    (total.inbound_messages, total.active_contacts)
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_message_is_billed_once() {
    let app = TestApp::start_with_pipeline().await;
    save(&app, &offer("metered", 100, 0, 5)).await;
    let tenant = app.tenant().await;
    choose(&tenant, "metered").await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let message = ada.text(10, "hello");
    let delivery = number.received(&ada, std::slice::from_ref(&message));
    // Grouped with another message it is another delivery with another event.
    let in_company = number.received(&ada, &[ada.text(20, "one more"), message.clone()]);
    let at_once = join_all((0..10).map(|n| app.deliver(if n % 2 == 0 { &delivery } else { &in_company }))).await;
    assert!(at_once.iter().all(|answer| answer.status == 200));
    for _ in 0..10 {
        app.deliver(&delivery).await.expect(200);
    }
    app.wait_until_processed().await;
    assert_eq!(total(&tenant).await, (2, 1));

    // Every event that carried the message is replayed.
    app.execute_for(&tenant, "UPDATE webhook_events SET status = 'dead_letter' WHERE tenant_id = '$T'").await;
    let all = json!({"reason": "a test"});
    let replayed: ReplayedEvents = tenant.client.post("/webhook-events/replay", &all).await.body(202);
    assert!(replayed.events >= 2, "{replayed:?}");
    // Bulk replays run one after the other.
    app.clock.advance(TimeDelta::seconds(1));
    app.wait_until_processed().await;
    assert_eq!(total(&tenant).await, (2, 1));

    let tenant = after_the_period(&app, &tenant).await;
    close_for(&app, &tenant).await;
    let invoices = invoices(&tenant).await;
    assert_eq!(invoices.len(), 1);
    assert_eq!(lines(&invoices[0])[1..], [("Inbound messages, included", 0, 0), ("Inbound messages, further", 2, 10)]);
    assert_eq!(invoices[0].total, Money::euro_cents(110));
    app.finish().await;
}

/// One message of a batch cannot be stored: the batch rolls back, and each message is retried alone.
#[tokio::test(flavor = "multi_thread")]
async fn rolled_back_message_is_not_counted() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let break_one = "CREATE FUNCTION public.break_message() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN IF NEW.text = 'broken' THEN RAISE EXCEPTION 'a fault of this test'; END IF; RETURN NEW; END $$;
         CREATE TRIGGER break_message BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION public.break_message()";
    app.database.execute(break_one).await;
    let messages = ["one", "two", "broken", "three", "four"].map(|words| text("15550100", words));
    app.deliver(&number.delivery(&messages)).await.expect(200);
    wait::until("the others", async || (app.events("status = 'processed'").await == 4).then_some(())).await;
    wait::until("the failure", async || (app.events("status = 'retrying'").await == 1).then_some(())).await;
    assert_eq!(total(&tenant).await, (4, 1));
    app.database.execute("DROP TRIGGER break_message ON messages; DROP FUNCTION public.break_message()").await;
    app.clock.advance(TimeDelta::minutes(1));
    app.wait_until_processed().await;
    assert_eq!(total(&tenant).await, (5, 1));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_new_inbound_messages_are_counted() {
    let app = TestApp::start_with_pipeline().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    let number = tenant.connect().await;
    let (ada, grace) = (Customer::fresh(), Customer::fresh());
    let counted = ada.text(10, "counted");
    let reaction = ada.message(11, "reaction", json!({"message_id": wamid(&counted), "emoji": "+"}));
    let standby = json!({"contacts": [grace.entry()], "messages": [grace.text(12, "To the agent")]});
    for delivery in [
        number.received(&ada, &[counted.clone(), reaction]),
        number.echoes(&[grace.echo(20, "text", json!({"body": "From the phone"}))]),
        number.history(&[(&grace, &[grace.text(1, "Long ago")])]),
        number.change("standby", standby),
        number.statuses(&[ada.status(30, "wamid.other", "delivered")]),
    ] {
        app.process(&delivery).await;
    }
    assert_eq!(app.database.count("SELECT count(*) FROM messages").await, 4);
    assert_eq!(total(&tenant).await, (1, 1));

    app.process(&number.received(&grace, &[grace.text(40, "one"), grace.text(50, "two")])).await;
    assert_eq!(total(&tenant).await, (3, 2));
    let counted = PeriodUsage { inbound_messages: 3, further_messages: 0 };
    assert_eq!(subscription(&tenant).await.usage, counted);
    assert_eq!(total(&other).await, (0, 0));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sent_messages_are_listed_by_day_and_category() {
    use kernel::MessageCategory::{Marketing, Service, Utility};
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let first = today(&app);
    let on = |days, category| SentMessage { day: first + TimeDelta::days(days), category };
    // Also what is counted later adds up.
    for messages in [vec![on(0, Service), on(0, Service), on(0, Utility)], vec![on(0, Service), on(1, Marketing)]] {
        let mut tx = app.postgres.tenant(&scope(&tenant)).await.unwrap();
        let counted = tx.count_sent_messages(&messages).await;
        settle::<_, _, StoreError>(tx, counted).await.unwrap();
    }
    let answer = usage(&tenant, &format!("?from={first}&to={}", first + TimeDelta::days(1))).await;
    let days: Vec<SentMessages> = answer.days.iter().map(|day| day.outbound_messages).collect();
    let (service, utility, marketing) = (3, 1, 1);
    let of_first = SentMessages { service, utility, ..SentMessages::default() };
    assert_eq!(days, [of_first, SentMessages { marketing, ..SentMessages::default() }]);
    assert_eq!(answer.total.outbound_messages, SentMessages { marketing, ..of_first });
    assert_eq!(answer.total.inbound_messages, 0);
    let other = app.tenant().await;
    assert_eq!(usage(&other, "").await.total.outbound_messages, SentMessages::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_lists_all_days_in_order_within_limits() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let (ada, grace) = (ContactId::new(&*app.clock), ContactId::new(&*app.clock));
    let first = today(&app);
    let on = |days, contact| MeteredMessage { day: first + TimeDelta::days(days), contact };
    count(&app, &tenant, &[on(0, ada), on(0, ada), on(0, grace), on(2, ada)]).await.unwrap();
    let answer = usage(&tenant, &format!("?from={first}&to={}", first + TimeDelta::days(2))).await;
    let day = |days, inbound_messages, active_contacts| DailyUsage {
        date: (first + TimeDelta::days(days)).to_string(),
        inbound_messages,
        active_contacts,
        outbound_messages: SentMessages::default(),
    };
    assert_eq!(answer.days, [day(0, 3, 2), day(1, 0, 0), day(2, 1, 1)]);
    let outbound_messages = SentMessages::default();
    let total = TotalUsage { inbound_messages: 4, active_contacts: 2, outbound_messages };
    assert_eq!(answer.total, total, "each contact counts once");
    assert_eq!(usage(&tenant, "").await.days.len(), 30);

    let far = first + TimeDelta::days(92);
    for query in [
        format!("?from={first}&to={far}"),
        format!("?from={far}&to={first}"),
        "?from=yesterday".to_owned(),
        "?from=2026-02-30".to_owned(),
        "?from=-20000-01-01&to=-20000-01-02".to_owned(),
        "?to=%2B20000-01-01".to_owned(),
        "?since=2026-02-01".to_owned(),
    ] {
        tenant.client.get(&format!("/billing/usage{query}")).await.problem(400, "invalid_query");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_counted_without_subscription() {
    let app = isolated_app().await;
    let tenant = app.tenant().await;
    app.execute_for(&tenant, "DELETE FROM subscriptions WHERE tenant_id = '$T'").await;
    let message = MeteredMessage { day: today(&app), contact: ContactId::new(&*app.clock) };
    count(&app, &tenant, &[message]).await.unwrap();
    assert_eq!(total(&tenant).await, (1, 1));
    tenant.client.get("/billing/subscription").await.problem(404, "not_found");
    let tenant = after_the_period(&app, &tenant).await;
    assert_eq!((close(&app).await.invoices, close_for(&app, &tenant).await), (0, 0));
    app.stop().await;
}

/// Records usage as the worker does, in a transaction of its own.
async fn count(app: &TestApp, tenant: &TestTenant, messages: &[MeteredMessage]) -> Result<(), StoreError> {
    let mut tx = app.postgres.tenant(&scope(tenant)).await?;
    let counted = UsageRepo::count_messages(&mut *tx, messages).await;
    settle(tx, counted).await
}

#[tokio::test(flavor = "multi_thread")]
async fn message_counts_on_arrival_day_or_in_current_period() {
    // This instance accepts deliveries but does not process them.
    let app = isolated_app().await;
    app.clock.advance(TimeDelta::days(-40));
    let received = async || {
        let tenant = app.tenant().await;
        choose(&tenant, "starter").await;
        let number = tenant.connect().await;
        app.deliver(&number.delivery(&[text("15550100", "hello")])).await.expect(200);
        (tenant, today(&app).to_string())
    };
    let (late, long_ago) = received().await;
    app.clock.advance(TimeDelta::days(38));
    let (tenant, recently) = received().await;
    app.clock.advance(TimeDelta::days(2));
    assert_eq!(close(&app).await.invoices, 1, "closed before the message is processed");
    let worker = app.start_another(Settings { pipeline: true, ..Settings::default() }).await;
    worker.wait_until_processed().await;

    let counted = async |tenant: &TestTenant, day: &str| {
        usage(tenant, &format!("?from={day}&to={day}")).await.total.inbound_messages
    };
    let (late, tenant) = (late.log_in_again(&app).await, tenant.log_in_again(&app).await);
    assert_eq!(counted(&tenant, &recently).await, 1);
    assert_eq!(invoices(&late).await[0].lines[1].quantity, 0);
    let running = subscription(&late).await;
    assert_eq!(running.usage.inbound_messages, 1);
    let first_day = &running.period_start[..10];
    assert_eq!((counted(&late, first_day).await, counted(&late, &long_ago).await), (1, 0));
    worker.finish().await;
}

/// Workers count messages while the period is closed: each message is in exactly one period, and on that period's
/// invoice if it is closed.
#[tokio::test(flavor = "multi_thread")]
async fn period_boundary_counts_each_message_once() {
    const WORKERS: usize = 6;
    const EACH: usize = 25;
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    choose(&tenant, "starter").await;
    let day = today(&app);
    let tenant = after_the_period(&app, &tenant).await;
    let workers = join_all((0..WORKERS).map(|_| async {
        for _ in 0..EACH {
            let message = MeteredMessage { day, contact: ContactId::new(&*app.clock) };
            count(&app, &tenant, &[message]).await.unwrap();
        }
    }));
    let closers = join_all((0..3).map(|_| async {
        // Half of the workers have started.
        count(&app, &tenant, &[MeteredMessage { day, contact: ContactId::new(&*app.clock) }]).await.unwrap();
        close_for(&app, &tenant).await
    }));
    let (_, closed) = tokio::join!(workers, closers);
    assert_eq!(closed.iter().sum::<usize>(), 1);
    let invoices = invoices(&tenant).await;
    let billed = invoices[0].lines[1].quantity;
    let running = subscription(&tenant).await.usage.inbound_messages;
    assert_eq!(usize::try_from(billed + running).unwrap(), WORKERS * EACH + 3, "{billed} and {running}");
    let (messages, contacts) = total_of_all(&app, &tenant).await;
    assert_eq!((messages, contacts), (WORKERS * EACH + 3, WORKERS * EACH + 3));
    assert_eq!(invoices[0].period_start, midnight(day));
}

async fn total_of_all(app: &TestApp, tenant: &TestTenant) -> (usize, usize) {
    let sum = async |column: &str| {
        let query = format!("SELECT sum({column})::bigint AS count FROM usage_days WHERE tenant_id = '{}'", tenant.id);
        usize::try_from(app.database.count(&query).await).unwrap()
    };
    (sum("inbound_messages").await, sum("active_contacts").await)
}

#[tokio::test(flavor = "multi_thread")]
async fn details_of_usage_expire_and_totals_stay() {
    let app = TestApp::start_with(Settings { pipeline: true, own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    app.process(&number.delivery(&[text("15550100", "one"), text("15550101", "two")])).await;
    let left = async || app.database.count("SELECT count(*) FROM usage_contacts").await;
    let purge = async |before, limit| {
        let mut tx = app.postgres.operator().await.unwrap();
        let purged = ::billing::UsageHousekeeping::purge_usage_details(&mut *tx, before, limit).await;
        settle(tx, purged).await.unwrap()
    };
    let (day, before) = (today(&app), total(&tenant).await);
    assert_eq!((purge(day, 100).await, left().await), (0, 2));
    let next = day + TimeDelta::days(1);
    assert_eq!((purge(next, 1).await, left().await), (1, 1), "in batches");
    assert_eq!((purge(next, 100).await, left().await), (1, 0));
    assert_eq!((before, total(&tenant).await.0), ((2, 2), 2), "messages are still counted");
    app.finish().await;
}
