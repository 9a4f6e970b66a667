//! The intake collects deliveries and stores them in batches.

use std::sync::Arc;

use flows::{AcceptError, DeliveryStore, accept_delivery};
use futures_util::FutureExt;
use futures_util::future::{join, join_all};
use inbound::UnusableQuota;
use kernel::{Clock, SystemClock, Traceparent};
use pipeline::{Flusher, Intake};
use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use whatsapp::MetaAppKey;

use crate::kit::database::{self, TestDatabase};
use crate::kit::meta::{Number, text};
use crate::kit::wait;

/// Deliveries of one app that wait at most.
const CAPACITY: usize = 4_096;

/// An intake whose flusher is not running yet.
struct TestIntake {
    database: TestDatabase,
    clock: Arc<dyn Clock>,
    wake_relay: Arc<Notify>,
    intake: Intake,
    flusher: Flusher,
    number: Number,
}

impl TestIntake {
    async fn new() -> Self {
        let database = database::copy().await;
        let (clock, wake_relay): (Arc<dyn Clock>, _) = (Arc::new(SystemClock::new()), Arc::new(Notify::new()));
        let (intake, flusher) = Intake::new(
            Arc::new(database.postgres()),
            Arc::clone(&clock),
            Arc::clone(&wake_relay),
            UnusableQuota::default(),
        );
        Self { database, clock, wake_relay, intake, flusher, number: Number::fresh() }
    }

    async fn accept(&self, messages: &[Value]) -> Result<usize, AcceptError> {
        self.accept_for(&MetaAppKey::deployment(), messages).await
    }

    async fn accept_for(&self, app: &MetaAppKey, messages: &[Value]) -> Result<usize, AcceptError> {
        let body = self.number.delivery(messages).to_string().into_bytes();
        let trace = Traceparent::start(&*self.clock);
        let store: &dyn DeliveryStore = &self.intake;
        let accepted = accept_delivery(store, app, &body, trace).await?;
        Ok(accepted.stored.len())
    }

    async fn events(&self) -> i64 {
        self.database.count("SELECT count(*) FROM webhook_events").await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn full_intake_refuses_and_keeps_queued_deliveries() {
    let intake = TestIntake::new().await;
    let messages: Vec<Value> = (0..CAPACITY).map(|_| text("15550100", "waits")).collect();
    let mut waiting: Vec<_> = messages.iter().map(|it| Box::pin(intake.accept(std::slice::from_ref(it)))).collect();
    for delivery in &mut waiting {
        assert!(delivery.as_mut().now_or_never().is_none(), "it waits");
    }
    let one_more = intake.accept(&[text("15550100", "too many")]).now_or_never();
    assert!(matches!(one_more, Some(Err(AcceptError::Busy))), "{one_more:?}");
    // Another app has a share of its own.
    let (other, message) = (MetaAppKey::from_stored("1".repeat(40)), [text("15550100", "of another app")]);
    let mut of_other = Box::pin(intake.accept_for(&other, &message));
    assert!(of_other.as_mut().now_or_never().is_none(), "it waits");
    assert_eq!(intake.events().await, 0);

    let stop = CancellationToken::new();
    let running = [(); 2].map(|()| tokio::spawn(intake.flusher.clone().run(stop.clone())));
    let stored = join_all(waiting).await;
    assert!(stored.iter().all(|stored| matches!(stored, Ok(1))), "each delivery gets its own result");
    assert_eq!(of_other.await.unwrap(), 1);
    assert_eq!(intake.events().await, i64::try_from(CAPACITY).unwrap() + 1);
    stop.cancel();
    for running in running {
        running.await.unwrap();
    }
    intake.database.clone().drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_is_stored_after_client_disconnects() {
    let intake = TestIntake::new().await;
    assert!(intake.accept(&[text("15550100", "hangs up")]).now_or_never().is_none());
    let stop = CancellationToken::new();
    let running = tokio::spawn(intake.flusher.clone().run(stop.clone()));
    wait::until("the event", async || (intake.events().await == 1).then_some(())).await;
    stop.cancel();
    running.await.unwrap();
    intake.database.clone().drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_stores_queued_and_refuses_later_deliveries() {
    let intake = TestIntake::new().await;
    let (first, second) = ([text("15550100", "first")], [text("15550100", "second"), text("15550100", "third")]);
    let (mut one, mut two) = (Box::pin(intake.accept(&first)), Box::pin(intake.accept(&second)));
    assert!(one.as_mut().now_or_never().is_none() && two.as_mut().now_or_never().is_none());
    let stop = CancellationToken::new();
    stop.cancel();
    intake.flusher.clone().run(stop).await;
    assert_eq!((one.await.unwrap(), two.await.unwrap()), (1, 2));
    assert_eq!(intake.events().await, 3);
    let late = intake.accept(&[text("15550100", "late")]).await;
    assert!(matches!(late, Err(AcceptError::CutOff)), "{late:?}");
    intake.database.clone().drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicate_in_batch_is_stored_once_and_wakes_relay() {
    let intake = TestIntake::new().await;
    let message = [text("15550100", "twice")];
    let (mut one, mut two) = (Box::pin(intake.accept(&message)), Box::pin(intake.accept(&message)));
    assert!(one.as_mut().now_or_never().is_none() && two.as_mut().now_or_never().is_none());
    let stop = CancellationToken::new();
    stop.cancel();
    intake.flusher.clone().run(stop).await;
    assert_eq!(one.await.unwrap() + two.await.unwrap(), 1, "both are answered, one of them stored it");
    assert_eq!(intake.events().await, 1);
    assert!(intake.wake_relay.notified().now_or_never().is_none(), "an unroutable event does not wake the relay");
    intake.database.clone().drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_flusher_runs_until_shutdown() {
    let TestIntake { database, intake, flusher, .. } = TestIntake::new().await;
    drop(intake);
    let stop = CancellationToken::new();
    let mut running = Box::pin(flusher.run(stop.clone()));
    assert!(running.as_mut().now_or_never().is_none(), "it runs until shutdown");
    stop.cancel();
    running.await;
    database.drop().await;
}

/// More than are stored together with other deliveries, in more than one part.
const LARGE: usize = 2_500;

#[tokio::test(flavor = "multi_thread")]
async fn large_delivery_is_stored_in_parts_beside_others() {
    let intake = TestIntake::new().await;
    // Storing the large delivery takes until `hold` is empty.
    let hold = "CREATE TABLE public.hold (); INSERT INTO public.hold DEFAULT VALUES;
        CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
          BEGIN
            WHILE (SELECT count(*) FROM new) = 1000 AND EXISTS (SELECT FROM public.hold) LOOP PERFORM pg_sleep(0.05); END LOOP;
            RETURN NULL;
          END $$;
        CREATE TRIGGER wait AFTER INSERT ON webhook_events REFERENCING NEW TABLE AS new
          FOR EACH STATEMENT EXECUTE FUNCTION public.wait()";
    intake.database.execute(hold).await;
    let messages: Vec<Value> = (0..LARGE).map(|n| text("15550100", &format!("{n}"))).collect();
    let stop = CancellationToken::new();
    let running = tokio::spawn(intake.flusher.clone().run(stop.clone()));
    let others = async {
        let waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
        wait::until("the large delivery", async || (intake.database.count(waiting).await == 1).then_some(())).await;
        let small = intake.accept(&[text("15550100", "small")]).await;
        assert_eq!((small.unwrap(), intake.events().await), (1, 1), "it does not wait for the large one");
        intake.database.execute("DELETE FROM public.hold").await;
    };
    let (large, ()) = join(intake.accept(&messages), others).await;
    assert_eq!(large.unwrap(), LARGE);
    // A repeated delivery stores nothing.
    assert_eq!(intake.accept(&messages).await.unwrap(), 0);
    let transactions = "SELECT count(DISTINCT xmin::text) FROM webhook_events";
    assert_eq!(intake.database.count(transactions).await, 4, "three parts and the small one");
    stop.cancel();
    running.await.unwrap();
    intake.database.clone().drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_whose_batch_failed_is_stored_alone() {
    let intake = TestIntake::new().await;
    let fail = "CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN
            IF EXISTS (SELECT FROM new WHERE dedupe_key LIKE '%slow%') THEN
              RAISE EXCEPTION 'canceling statement due to statement timeout' USING ERRCODE = '57014';
            END IF;
            RETURN NULL;
          END $$;
        CREATE TRIGGER fail AFTER INSERT ON webhook_events REFERENCING NEW TABLE AS new
          FOR EACH STATEMENT EXECUTE FUNCTION public.fail()";
    intake.database.execute(fail).await;
    let [good, mut slow] = [text("15550100", "good"), text("15550100", "slow")];
    slow["id"] = "wamid.slow".into();
    let (good, slow) = ([good], [slow]);
    let (mut one, mut two) = (Box::pin(intake.accept(&good)), Box::pin(intake.accept(&slow)));
    assert!(one.as_mut().now_or_never().is_none() && two.as_mut().now_or_never().is_none());
    let stop = CancellationToken::new();
    stop.cancel();
    intake.flusher.clone().run(stop).await;
    assert_eq!(one.await.unwrap(), 1);
    let refused = two.await;
    assert!(matches!(refused, Err(AcceptError::NotStored(_))), "{refused:?}");
    assert_eq!(intake.events().await, 1);
    intake.database.clone().drop().await;
}
