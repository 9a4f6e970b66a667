//! What traces and logs show of a message that is sent.

use kernel::{SystemClock, Traceparent};
use serde_json::{Value, json};

use super::collector::Collector;
use crate::kit::app::TestTenant;
use crate::kit::deployment::Deployment;
use crate::kit::sandbox::MetaSandbox;
use crate::kit::wait;

const PRIVATE_TEXT: &str = "your diagnosis is ready";

fn attribute<'s>(span: &'s Value, key: &str) -> &'s Value {
    let found = span["attributes"].as_array().unwrap().iter().find(|attribute| attribute["key"] == key);
    let value = &found.unwrap_or_else(|| panic!("{key} in {span}"))["value"];
    value.as_object().unwrap().values().next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn trace_and_log_of_a_sent_message_name_no_person() {
    let (collector, meta) = (Collector::start().await, MetaSandbox::start());
    let deployment = Deployment::new()
        .await
        .with("PARLEY_TRACES_OTLP_ENDPOINT", &collector.endpoint)
        .with("PARLEY_WHATSAPP_GRAPH_URL", meta.url())
        .with("PARLEY_LOG_LEVEL", "debug");
    let server = deployment.serve_as("api,relay,worker,sender,scheduler").await;
    let tenant = TestTenant::sign_up(&server.client, "acme").await;
    let line = meta.line_with(server.client.base(), &tenant, json!({})).await;
    let (phone, conversation) = meta.conversation(&tenant, &line).await;

    // The first call is refused for now, so that there are two.
    meta.fault(&line, json!({"fault": "throttle", "code": 130_429, "count": 1})).await;
    let clock = SystemClock::new();
    let caller = Traceparent::start(&clock).sampled(true);
    let path = format!("/crm/conversations/{}/messages", conversation.id);
    let body = json!({"type": "text", "text": {"body": PRIVATE_TEXT}});
    let traced = tenant.client.with("traceparent", &caller.to_string());
    let sent: crate::kit::api::Message = traced.post(&path, &body).await.body(202);
    let delivered = tenant.wait_for_status(&sent, "delivered").await;

    let (post, calls) = wait::until("the spans of both calls", async || {
        let spans = collector.of_trace(&caller.trace_id());
        let named = |name: &str| spans.iter().filter(|span| span["name"] == name).cloned().collect::<Vec<_>>();
        let (posts, calls) = (named("POST /crm/conversations/{id}/messages"), named("send whatsapp"));
        (posts.len() == 1 && calls.len() == 2).then(|| (posts[0].clone(), calls))
    })
    .await;
    for call in &calls {
        assert_eq!((&call["kind"], &call["parentSpanId"]), (&json!(3), &post["spanId"]), "{call}");
        assert_eq!(*attribute(call, "parley.tenant.id"), tenant.id);
        assert_eq!(*attribute(call, "parley.account.id"), line.account.id);
    }
    let mut outcomes: Vec<(String, String)> = calls
        .iter()
        .map(|call| ["parley.send.attempt", "parley.send.outcome"].map(|key| attribute(call, key).to_string()).into())
        .collect();
    outcomes.sort();
    let quoted = |one: &str, two: &str| (format!("\"{one}\""), format!("\"{two}\""));
    assert_eq!(outcomes, [quoted("1", "refused"), quoted("2", "accepted")]);
    // The processing of a status is of the webhook's trace, and names the request.
    wait::until("a link of a status", async || {
        let links_to_post = |span: &Value| {
            let links = span["links"].as_array().cloned().unwrap_or_default();
            links.iter().any(|link| link["traceId"] == post["traceId"] && link["spanId"] == post["spanId"])
        };
        let spans = collector.spans();
        spans.iter().any(|span| span["name"] == "process inbound" && links_to_post(span)).then_some(())
    })
    .await;

    let settled = || {
        let lines = server.log();
        lines.iter().filter(|line| line["message"] == "call to Meta settled").count()
    };
    assert_eq!(settled(), 2);
    let log = server.log().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let spans = collector.spans().iter().map(ToString::to_string).collect::<String>();
    let (wamid, number) = (delivered.wamid.unwrap(), line.number.phone_number_id.as_str());
    let opaque = meta.journal(&line).await[0].biz_opaque_callback_data.clone().unwrap();
    for private in [PRIVATE_TEXT, "diagnosis", &phone, &line.token, &wamid, number, &opaque] {
        assert!(!log.contains(private), "{private} in {log}");
        assert!(!spans.contains(private), "{private} in {spans}");
    }
    let metrics = server.metrics().await;
    for series in [
        r#"parley_send_errors_total{class="throttle"} 1"#,
        r#"parley_sending_pauses_total{scope="number"} 1"#,
        "parley_send_accepted_seconds_count 1",
        "parley_send_delivered_seconds_count 1",
        "parley_send_attempts_count 1",
    ] {
        assert!(metrics.lines().any(|line| line == series), "{series} in {metrics}");
    }
    server.signal("TERM");
    assert!(server.exit().await.success());
    deployment.finish().await;
}
