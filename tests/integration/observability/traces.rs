use std::collections::HashSet;

use kernel::{Clock as _, SystemClock, Traceparent};
use serde_json::{Value, json};

use super::collector::Collector;
use crate::kit::app::PASSWORD;
use crate::kit::client::Client;
use crate::kit::deployment::Deployment;
use crate::kit::meta::{Number, signature, text};
use crate::kit::wait;

fn attribute<'s>(span: &'s Value, key: &str) -> &'s Value {
    let found = span["attributes"].as_array().unwrap().iter().find(|attribute| attribute["key"] == key);
    let value = &found.unwrap_or_else(|| panic!("{key} in {span}"))["value"];
    value.as_object().unwrap().values().next().unwrap()
}

fn named<'s>(spans: &'s [Value], name: &str) -> Vec<&'s Value> {
    spans.iter().filter(|span| span["name"] == name).collect()
}

async fn deliver(client: &Client, number: &Number, trace: Traceparent, messages: &[Value]) {
    let body = number.delivery(messages).to_string().into_bytes();
    let signed = client.with("x-hub-signature-256", &signature(&body)).with("traceparent", &trace.to_string());
    signed.send(reqwest::Method::POST, "/webhooks/whatsapp", Some(body)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn trace_covers_delivery_from_post_to_last_message() {
    let collector = Collector::start().await;
    let deployment = Deployment::new().await.with("PARLEY_TRACES_OTLP_ENDPOINT", &collector.endpoint);
    // Two processes with the broker between them share one trace.
    let api = deployment.serve_as("api,relay").await;
    let worker = deployment.serve_as("worker").await;
    let signed_up = api.client.sign_up("acme").await;
    let client = api.client.with_token(&signed_up.access_token);
    let number = Number::fresh();
    let account = json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id});
    client.post("/whatsapp-accounts", &account).await.json(201);

    let clock = SystemClock::new();
    let [unseen, caller] = [false, true].map(|sampled| Traceparent::start(&clock).sampled(sampled));
    deliver(&api.client, &number, unseen, &[text("491701234567", "not sampled")]).await;
    let messages = ["a love letter", "a tea order"].map(|body| text("491701234567", body));
    deliver(&api.client, &number, caller, &messages).await;

    let spans = wait::until("all spans of the trace", async || {
        let spans = collector.of_trace(&caller.trace_id());
        (named(&spans, "process inbound").len() == 2 && spans.len() >= 6).then_some(spans)
    })
    .await;
    assert_eq!(spans.len(), 6, "{spans:#?}");
    let [post] = named(&spans, "POST /webhooks/whatsapp")[..] else { panic!("{spans:#?}") };
    let [store] = named(&spans, "store events")[..] else { panic!("{spans:#?}") };
    assert_eq!((&post["kind"], &post["parentSpanId"]), (&json!(2), &json!(caller.span_id())));
    assert_eq!(attribute(post, "http.response.status_code"), "200");
    assert_eq!(
        (attribute(post, "http.route"), attribute(post, "http.request.method")),
        (&json!("/webhooks/whatsapp"), &json!("POST"))
    );
    assert_eq!((&store["kind"], &store["parentSpanId"]), (&json!(1), &post["spanId"]));
    assert_eq!(attribute(store, "parley.events.stored"), "2");
    for process in named(&spans, "process inbound") {
        let published = named(&spans, "publish inbound");
        let publish = published.iter().find(|publish| publish["spanId"] == process["parentSpanId"]).unwrap();
        assert_eq!((&publish["kind"], &publish["parentSpanId"]), (&json!(4), &store["spanId"]));
        assert_eq!((&process["kind"], attribute(process, "parley.event.outcome")), (&json!(5), &json!("processed")));
        assert_eq!(attribute(process, "messaging.message.id"), attribute(publish, "messaging.message.id"));
        assert_eq!(attribute(process, "messaging.system"), "rabbitmq");
        assert_eq!(*attribute(process, "parley.tenant.id"), signed_up.tenant.id);
    }
    let ids: HashSet<&str> = spans.iter().map(|span| span["spanId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 6, "span ids are unique");

    // Pending spans are exported at shutdown.
    let last = Traceparent::start(&clock).sampled(true);
    api.client.with("traceparent", &last.to_string()).get("/crm/contacts").await.problem(401, "unauthenticated");
    for server in [api, worker] {
        server.signal("TERM");
        assert!(server.exit().await.success());
    }
    let [refused] = &collector.of_trace(&last.trace_id())[..] else { panic!("expected one span") };
    assert_eq!(
        (&refused["name"], &refused["status"]["code"]),
        (&json!("GET /crm/contacts"), &json!(0)),
        "not a server error"
    );
    assert!(collector.of_trace(&unseen.trace_id()).is_empty(), "its caller did not sample it");
    let text = collector.spans().iter().map(ToString::to_string).collect::<String>();
    for personal in ["491701", "letter", "tea", "Lovelace", "ada@", PASSWORD] {
        assert!(!text.contains(personal), "{personal} in {text}");
    }
    deployment.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_collector_does_not_affect_requests() {
    let deployment = Deployment::new().await.with("PARLEY_TRACES_OTLP_ENDPOINT", "http://127.0.0.1:1");
    let server = deployment.serve_as("api").await;
    for _ in 0..20 {
        server.client.get("/crm/contacts").await.problem(401, "unauthenticated");
    }
    let logged = || {
        let message = "trace export failed; spans dropped";
        server.log().iter().filter(|line| line["message"] == message && line["level"] == "WARN").count()
    };
    wait::until("a warning", async || (logged() > 0).then_some(())).await;
    let lost = async || server.metric(r#"parley_trace_spans_total{outcome="failed"}"#).await;
    let before = lost().await;
    server.client.get("/crm/contacts").await.problem(401, "unauthenticated");
    wait::until("more lost spans", async || (lost().await > before).then_some(())).await;
    assert_eq!(logged(), 1, "the failure is logged once");
    let started = clock_now();
    server.signal("TERM");
    assert!(server.exit().await.success());
    assert!((clock_now() - started).num_seconds() < 25);
    deployment.finish().await;
}

fn clock_now() -> chrono::DateTime<chrono::Utc> {
    SystemClock::new().now()
}
