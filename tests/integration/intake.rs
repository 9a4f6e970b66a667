//! Deliveries that wait to be stored together.

use std::sync::Arc;

use flows::{AcceptError, DeliveryStore, accept_delivery};
use futures_util::FutureExt;
use futures_util::future::join_all;
use inbound::MetaAppKey;
use kernel::{Clock, SystemClock, Traceparent};
use pipeline::{Flusher, Intake};
use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::kit::database::{self, TestDatabase};
use crate::kit::meta::{Number, text};
use crate::kit::wait;

/// As many as wait at most.
const CAPACITY: usize = 4_096;

/// An intake whose flusher does not run yet.
struct Inlet {
    database: TestDatabase,
    clock: Arc<dyn Clock>,
    nudge: Arc<Notify>,
    intake: Intake,
    flusher: Flusher,
    number: Number,
}

impl Inlet {
    async fn new() -> Self {
        let database = database::alone().await;
        let (clock, nudge): (Arc<dyn Clock>, _) = (Arc::new(SystemClock::new()), Arc::new(Notify::new()));
        let (intake, flusher) = Intake::new(Arc::new(database.postgres()), Arc::clone(&clock), Arc::clone(&nudge));
        Self { database, clock, nudge, intake, flusher, number: Number::fresh() }
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
async fn a_full_intake_refuses_at_once_and_keeps_what_waits() {
    let inlet = Inlet::new().await;
    let messages: Vec<Value> = (0..CAPACITY).map(|_| text("15550100", "waits")).collect();
    let mut waiting: Vec<_> = messages.iter().map(|it| Box::pin(inlet.accept(std::slice::from_ref(it)))).collect();
    for delivery in &mut waiting {
        assert!(delivery.as_mut().now_or_never().is_none(), "it waits");
    }
    let one_more = inlet.accept(&[text("15550100", "too many")]).now_or_never();
    assert!(matches!(one_more, Some(Err(AcceptError::Busy))), "{one_more:?}");
    assert_eq!(inlet.events().await, 0);

    let stop = CancellationToken::new();
    let running = [(); 2].map(|()| tokio::spawn(inlet.flusher.clone().run(stop.clone())));
    let stored = join_all(waiting).await;
    assert!(stored.iter().all(|stored| matches!(stored, Ok(1))), "each is told of its own event");
    assert_eq!(inlet.events().await, i64::try_from(CAPACITY).unwrap());
    stop.cancel();
    for running in running {
        running.await.unwrap();
    }
    inlet.database.clone().drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_does_not_keep_a_delivery_from_being_stored() {
    let inlet = Inlet::new().await;
    assert!(inlet.accept(&[text("15550100", "hangs up")]).now_or_never().is_none());
    let stop = CancellationToken::new();
    let running = tokio::spawn(inlet.flusher.clone().run(stop.clone()));
    wait::until("the event", async || (inlet.events().await == 1).then_some(())).await;
    stop.cancel();
    running.await.unwrap();
    inlet.database.clone().drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_at_the_end_is_stored_and_what_comes_later_is_refused() {
    let inlet = Inlet::new().await;
    let (first, second) = ([text("15550100", "first")], [text("15550100", "second"), text("15550100", "third")]);
    let (mut one, mut two) = (Box::pin(inlet.accept(&first)), Box::pin(inlet.accept(&second)));
    assert!(one.as_mut().now_or_never().is_none() && two.as_mut().now_or_never().is_none());
    let stop = CancellationToken::new();
    stop.cancel();
    inlet.flusher.clone().run(stop).await;
    assert_eq!((one.await.unwrap(), two.await.unwrap()), (1, 2));
    assert_eq!(inlet.events().await, 3);
    let late = inlet.accept(&[text("15550100", "late")]).await;
    assert!(matches!(late, Err(AcceptError::CutOff)), "{late:?}");
    inlet.database.clone().drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_event_twice_in_a_batch_is_stored_once_and_wakes_the_relay_if_it_is_to_be_processed() {
    let inlet = Inlet::new().await;
    let message = [text("15550100", "twice")];
    let (mut one, mut two) = (Box::pin(inlet.accept(&message)), Box::pin(inlet.accept(&message)));
    assert!(one.as_mut().now_or_never().is_none() && two.as_mut().now_or_never().is_none());
    let stop = CancellationToken::new();
    stop.cancel();
    inlet.flusher.clone().run(stop).await;
    assert_eq!(one.await.unwrap() + two.await.unwrap(), 1, "both are answered, one of them brought it");
    assert_eq!(inlet.events().await, 1);
    assert!(inlet.nudge.notified().now_or_never().is_none(), "nobody has that number: there is nothing to relay");
    inlet.database.clone().drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flusher_that_gets_nothing_more_waits_until_it_is_told_to_stop() {
    let Inlet { database, intake, flusher, .. } = Inlet::new().await;
    drop(intake);
    let stop = CancellationToken::new();
    let mut running = Box::pin(flusher.run(stop.clone()));
    assert!(running.as_mut().now_or_never().is_none(), "nobody told it to");
    stop.cancel();
    running.await;
    database.drop().await;
}
