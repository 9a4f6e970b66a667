//! Faults on an event's way from the database through the broker to the worker.

use super::Watched;
use crate::kit::broker;
use crate::kit::meta::{fresh_digits, text};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn events_and_processes() {
    let mut watched = Watched::begin(|deployment| deployment).await;
    messages_without_an_id(&watched).await;

    let worker = watched.worker.take().unwrap();
    worker.signal("TERM");
    assert!(worker.exit().await.success());
    a_worker_that_is_gone(&watched).await;
    a_queue_that_is_not_bound(&watched).await;

    watched.api.signal("KILL");
    watched.raises_as_well("ParleyTargetDown", async || ()).await;
    // The worker's is not the only one.
    watched.sees(r#"ALERTS{alertname="ParleyTargetDown",job="parley-api"}"#).await;
    watched.shows("ParleyTargetDown", &["(no answer)"]).await;
    // It was the one with the scheduler, too.
    watched.raises_as_well("ParleyNotMeasured", async || ()).await;
    watched.shows("ParleyNotMeasured", &["(no answer)"]).await;

    watched.stage.deployment.finish().await;
}

/// No release of ours understands them.
async fn messages_without_an_id(watched: &Watched) {
    let deliver = async || {
        let nameless = |_| {
            let mut message = text("15550100", &fresh_digits());
            message.as_object_mut().unwrap().remove("id");
            message
        };
        let messages: Vec<_> = (0..30).map(nameless).collect();
        let body = watched.stage.number.delivery(&messages).to_string().into_bytes();
        assert!(watched.stage.sender.post_anything(&body).await);
    };
    watched.raises("ParleyDeadLettersGrowing", deliver).await;
    for alert in ["ParleyDeadLettersGrowing", "ParleyDeadLettersFlood", "ParleyDeadLettersLeft"] {
        watched.raises_as_well(alert, deliver).await;
        watched.shows(alert, &[r#""kind": "message""#, r#""error_class": "permanent""#]).await;
    }
    // By the program, too: in the list, and one by itself.
    watched.shows("ParleyDeadLettersGrowing", &["dead_letter  message", "app deployment"]).await;
}

async fn a_worker_that_is_gone(watched: &Watched) {
    let queue = format!("{}.inbound.v1 ", watched.stage.deployment.namespace);
    watched.raises("ParleyNoConsumers", async || ()).await;
    watched.shows("ParleyNoConsumers", &[&queue, " 0;"]).await;

    let deliver = async || {
        for _ in 0..3 {
            watched.stage.sender.deliver(0, watched.stage.sender.delivery(100)).await;
        }
    };
    watched.raises("ParleyQueueGrowing", deliver).await;
    watched.shows("ParleyQueueGrowing", &[&queue, " 0;"]).await;

    // As if it had been so for ten minutes.
    let age = async || {
        let older = "UPDATE webhook_events SET received_at = received_at - interval '10 minutes'";
        watched.stage.execute(older).await;
    };
    watched.raises_as_well("ParleyEventsWaitTooLong", age).await;
    watched.shows("ParleyEventsWaitTooLong", &[r#""status": "received""#, " 0;"]).await;
}

async fn a_queue_that_is_not_bound(watched: &Watched) {
    let lose = async || {
        broker::unbind_work_queue(&watched.stage.deployment.namespace).await;
        watched.stage.sender.deliver(0, watched.stage.sender.delivery(1)).await;
    };
    watched.raises("ParleyPublishFailures", lose).await;
    watched.shows("ParleyPublishFailures", &[r#""outcome":"returned""#]).await;
}
