//! The intake collects deliveries and stores them in batches.

use std::sync::Arc;

use flows::{AcceptError, DeliveryStore, accept_delivery};
use futures_util::FutureExt;
use futures_util::future::join_all;
use kernel::{Clock, SystemClock, Traceparent};
use pipeline::{Flusher, Intake};
use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use whatsapp::MetaAppKey;

use crate::kit::database::{self, TestDatabase};
use crate::kit::meta::{Number, text};
use crate::kit::wait;

/// The capacity of the queue.
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
        let (intake, flusher) = Intake::new(Arc::new(database.postgres()), Arc::clone(&clock), Arc::clone(&wake_relay));
        Self { database, clock, wake_relay, intake, flusher, number: Number::fresh() }
    }

    async fn accept(&self, messages: &[Value]) -> Result<usize, AcceptError> {
        let body = self.number.delivery(messages).to_string().into_bytes();
        let trace = Traceparent::start(&*self.clock);
        let store: &dyn DeliveryStore = &self.intake;
        let accepted = accept_delivery(store, &MetaAppKey::deployment(), &body, trace, &*self.clock).await?;
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
    assert_eq!(intake.events().await, 0);

    let stop = CancellationToken::new();
    let running = [(); 2].map(|()| tokio::spawn(intake.flusher.clone().run(stop.clone())));
    let stored = join_all(waiting).await;
    assert!(stored.iter().all(|stored| matches!(stored, Ok(1))), "each delivery gets its own result");
    assert_eq!(intake.events().await, i64::try_from(CAPACITY).unwrap());
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
