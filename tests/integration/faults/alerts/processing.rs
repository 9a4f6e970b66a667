//! Alerts about processing: events between the database, the broker and the worker.

use super::Watched;
use crate::kit::broker;
use crate::kit::meta::{fresh_digits, text};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn processing_faults_raise_alerts() {
    let mut watched = Watched::begin(|deployment| deployment).await;
    messages_without_an_id(&watched).await;
    // While there is a worker: without one, the queue fills, and no more is published.
    a_queue_that_is_not_bound(&watched).await;

    let worker = watched.worker.take().unwrap();
    worker.signal("TERM");
    assert!(worker.exit().await.success());
    a_worker_that_is_gone(&watched).await;

    watched.api.signal("KILL");
    watched.assert_raised("ParleyTargetDown", async || ()).await;
    // Stopping the worker raises more than its own alert.
    watched.wait_for(r#"ALERTS{alertname="ParleyTargetDown",job="parley-api"}"#).await;
    watched.assert_shows("ParleyTargetDown", &["(no answer)"]).await;
    // The stopped process also ran the scheduler.
    watched.assert_raised("ParleyNotMeasured", async || ()).await;
    watched.assert_shows("ParleyNotMeasured", &["(no answer)"]).await;

    watched.setup.deployment.finish().await;
}

/// Messages that no release can process.
async fn messages_without_an_id(watched: &Watched) {
    let deliver = async || {
        let nameless = |_| {
            let mut message = text("15550100", &fresh_digits());
            message.as_object_mut().unwrap().remove("id");
            message
        };
        let messages: Vec<_> = (0..30).map(nameless).collect();
        let body = watched.setup.number.delivery(&messages).to_string().into_bytes();
        assert!(watched.setup.sender.post_unrecorded(&body).await);
    };
    watched.assert_raises("ParleyDeadLettersGrowing", deliver).await;
    for alert in ["ParleyDeadLettersGrowing", "ParleyDeadLettersFlood", "ParleyDeadLettersLeft"] {
        watched.assert_raised(alert, deliver).await;
        watched.assert_shows(alert, &[r#""kind": "message""#, r#""error_class": "permanent""#]).await;
    }
    // The command line shows them too: in the list and one by id.
    watched.assert_shows("ParleyDeadLettersGrowing", &["dead_letter  message", "app deployment"]).await;
}

async fn a_worker_that_is_gone(watched: &Watched) {
    let queue = format!("{}.inbound.v1 ", watched.setup.deployment.namespace);
    watched.assert_raises("ParleyNoConsumers", async || ()).await;
    watched.assert_shows("ParleyNoConsumers", &[&queue, " 0;"]).await;

    let deliver = async || {
        for _ in 0..3 {
            watched.setup.sender.deliver(0, watched.setup.sender.delivery(100)).await;
        }
    };
    watched.assert_raises("ParleyQueueGrowing", deliver).await;
    watched.assert_shows("ParleyQueueGrowing", &[&queue, " 0;"]).await;

    // Backdates the events by ten minutes.
    let age = async || {
        let older = "UPDATE webhook_events SET received_at = received_at - interval '10 minutes'";
        watched.setup.execute(older).await;
    };
    watched.assert_raised("ParleyEventsWaitTooLong", age).await;
    watched.assert_shows("ParleyEventsWaitTooLong", &[r#""status": "received""#, " 0;"]).await;
}

async fn a_queue_that_is_not_bound(watched: &Watched) {
    let lose = async || {
        broker::unbind_work_queue(&watched.setup.deployment.namespace).await;
        watched.setup.sender.deliver(0, watched.setup.sender.delivery(1)).await;
    };
    watched.assert_raises("ParleyPublishFailures", lose).await;
    watched.assert_shows("ParleyPublishFailures", &[r#""outcome":"returned""#]).await;
}
