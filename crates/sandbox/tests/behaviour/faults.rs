//! Each fault, and whether the request was accepted in spite of it.

use crate::kit::{CUSTOMER, Kit, TOKEN, WABA, text, until};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// Sends one message that meets the fault. Answers the outcome and how many messages the journal has.
async fn meet(fault: Value) -> (Result<(u16, String), &'static str>, usize) {
    let kit = Kit::with_open_window().await;
    kit.fault(fault).await;
    let answer = match kit.try_send(&text(CUSTOMER, "Hello")).await {
        Err(error) if error.is_connect() => Err("connect"),
        Err(_) => Err("reset"),
        Ok(response) => {
            let status = response.status().as_u16();
            response.text().await.map(|text| (status, text)).map_err(|_| "body")
        }
    };
    (answer, kit.journal().await.len())
}

fn code(body: &str) -> i64 {
    serde_json::from_str::<Value>(body).unwrap()["error"]["code"].as_i64().unwrap()
}

#[tokio::test]
async fn reset_connections_have_no_answer() {
    assert_eq!(meet(json!({"fault": "reset_after_accept"})).await, (Err("reset"), 1));
    assert_eq!(meet(json!({"fault": "reset_before_accept"})).await, (Err("reset"), 0));
}

#[tokio::test]
async fn hanging_request_is_accepted_or_not() {
    for (fault, accepted) in [("hang_after_accept", 1), ("hang_before_accept", 0)] {
        let kit = Kit::with_open_window().await;
        kit.fault(json!({"fault": fault})).await;
        let body = text(CUSTOMER, "Hello");
        let met = until(async || {
            let faults = kit.admin(Method::GET, "faults", json!({})).await;
            (faults[0]["met"] == 1).then_some(())
        });
        tokio::select! {
            _ = kit.try_send(&body) => panic!("{fault} was answered"),
            () = met => {}
        }
        assert_eq!(kit.journal().await.len(), accepted);
    }
    assert_eq!(meet(json!({"fault": "hang_after_accept", "seconds": 0})).await, (Err("reset"), 1));
}

#[tokio::test]
async fn bad_gateway_is_html() {
    for (fault, accepted) in [("bad_gateway_after_accept", 1), ("bad_gateway", 0)] {
        let (answer, count) = meet(json!({ "fault": fault })).await;
        let (status, body) = answer.unwrap();
        assert_eq!((status, count), (502, accepted));
        assert!(body.starts_with("<html>"));
    }
}

#[tokio::test]
async fn server_errors_have_their_code() {
    for (fault, accepted) in [("server_error_after_accept", 1), ("server_error", 0)] {
        for wanted in [1, 2, 131_000, 131_016] {
            let (answer, count) = meet(json!({"fault": fault, "code": wanted})).await;
            let (status, body) = answer.unwrap();
            assert_eq!((status, code(&body), count), (500, wanted, accepted));
        }
    }
}

#[tokio::test]
async fn garbage_is_200_and_not_json() {
    let (answer, count) = meet(json!({"fault": "garbage"})).await;
    let (status, body) = answer.unwrap();
    assert_eq!((status, count), (200, 1));
    assert!(serde_json::from_str::<Value>(&body).is_err());
}

#[tokio::test]
async fn slow_body_begins_and_does_not_end() {
    let kit = Kit::with_open_window().await;
    kit.fault(json!({"fault": "slow_body", "seconds": 3600})).await;
    let response = kit.try_send(&text(CUSTOMER, "Hello")).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(tokio::time::timeout(Duration::from_millis(300), response.text()).await.is_err());
    assert_eq!(kit.journal().await.len(), 1);
}

#[tokio::test]
async fn odd_answers_are_complete() {
    for fault in [json!({"fault": "slow_answer", "milliseconds": 1}), json!({"fault": "slow_body", "seconds": 0})] {
        let (answer, count) = meet(fault).await;
        assert_eq!((answer.unwrap().0, count), (200, 1));
    }
    let (answer, _) = meet(json!({"fault": "created"})).await;
    let (status, body) = answer.unwrap();
    assert_eq!(status, 201);
    assert!(body.contains("wamid."));
    let (answer, _) = meet(json!({"fault": "extra_fields"})).await;
    let body: Value = serde_json::from_str(&answer.unwrap().1).unwrap();
    assert!(body["messages"][0]["id"].is_string() && body["messages"][0]["unexpected"].is_object());
}

#[tokio::test]
async fn throttle_may_say_when_to_come_again() {
    let kit = Kit::with_open_window().await;
    kit.fault(json!({"fault": "throttle", "code": 80007, "retry_after": 7, "regain_minutes": 3, "count": 1})).await;
    kit.fault(json!({"fault": "throttle", "count": 1})).await;
    let first = kit.try_send(&text(CUSTOMER, "Hello")).await.unwrap();
    assert_eq!((first.status().as_u16(), first.headers()["Retry-After"].to_str().unwrap()), (429, "7"));
    let usage: Value = serde_json::from_slice(first.headers()["x-business-use-case-usage"].as_bytes()).unwrap();
    assert_eq!(usage["0"][0]["estimated_time_to_regain_access"], 3);
    let second = kit.try_send(&text(CUSTOMER, "Hello")).await.unwrap();
    assert!(second.headers().get("Retry-After").is_none());
    assert_eq!(code(&second.text().await.unwrap()), 4);
    assert!(kit.journal().await.is_empty());
    kit.accepted(&text(CUSTOMER, "Hello")).await;
}

#[tokio::test]
async fn any_error_can_be_answered() {
    for (wanted, http) in [(131_031, 403), (131_042, 400), (132_015, 400), (131_048, 400), (999_999, 400)] {
        let (answer, count) = meet(json!({"fault": "error", "code": wanted})).await;
        let (status, body) = answer.unwrap();
        assert_eq!((status, code(&body), count), (http, wanted, 0));
    }
    let (answer, _) = meet(json!({"fault": "error", "code": 190, "subcode": 463})).await;
    let body: Value = serde_json::from_str(&answer.unwrap().1).unwrap();
    assert_eq!(body["error"]["error_subcode"], 463);
}

/// The statuses of a message that meets the fault.
async fn statuses(fault: Value, count: usize) -> Vec<String> {
    let kit = Kit::with_open_window().await;
    kit.fault(fault).await;
    let id = kit.accepted(&text(CUSTOMER, "Hello")).await;
    // After a message without faults nothing of the earlier one can be missing.
    kit.admin(Method::DELETE, "faults", json!({})).await;
    let last = kit.accepted(&text(CUSTOMER, "Last")).await;
    kit.statuses(&last, 2).await;
    kit.status_names(&id, count).await
}

#[tokio::test]
async fn statuses_meet_their_faults() {
    assert_eq!(statuses(json!({"fault": "statuses_twice"}), 4).await, ["sent", "sent", "delivered", "delivered"]);
    assert_eq!(statuses(json!({"fault": "no_statuses"}), 0).await, [""; 0]);
    assert_eq!(statuses(json!({"fault": "failed_status", "code": 131_049}), 1).await, ["failed"]);
    let after = json!({"fault": "failed_status", "code": 131_053, "after_sent": true});
    assert_eq!(statuses(after, 2).await, ["sent", "failed"]);
}

/// With all statuses at once they share a webhook, which keeps their order.
#[tokio::test]
async fn statuses_come_in_a_wrong_order() {
    assert_eq!(statuses(json!({"fault": "statuses_reversed"}), 2).await, ["delivered", "sent"]);
    assert_eq!(statuses(json!({"fault": "failed_then_delivered"}), 2).await, ["failed", "delivered"]);
    assert_eq!(statuses(json!({"fault": "delivered_then_failed"}), 3).await, ["sent", "delivered", "failed"]);
}

#[tokio::test]
async fn status_can_precede_the_answer() {
    let kit = Kit::with_open_window().await;
    kit.fault(json!({"fault": "status_before_answer"})).await;
    kit.admin(
        Method::PATCH,
        "numbers/106540352242922",
        json!({"statuses": {"sent_after_ms": 3_600_000, "delivered_after_ms": 3_600_000}}),
    )
    .await;
    let id = kit.accepted(&text(CUSTOMER, "Hello")).await;
    // It was there before the answer: no wait.
    assert_eq!(kit.receiver.statuses(&id)[0]["status"], "sent");
}

#[tokio::test]
async fn status_can_be_all_that_ever_comes() {
    let kit = Kit::with_open_window().await;
    kit.fault(json!({"fault": "status_before_answer"})).await;
    kit.fault(json!({"fault": "reset_after_accept"})).await;
    let mut body = text(CUSTOMER, "Hello");
    body["biz_opaque_callback_data"] = json!("mine");
    assert!(kit.try_send(&body).await.is_err());
    let entry = kit.journal().await.pop().unwrap();
    assert_eq!(
        (&entry["fault"], &entry["status_fault"]),
        (&json!("reset_after_accept"), &json!("status_before_answer"))
    );
    let statuses = kit.statuses(entry["wamid"].as_str().unwrap(), 1).await;
    assert_eq!(statuses[0]["biz_opaque_callback_data"], "mine");
}

#[tokio::test]
async fn opaque_data_can_be_dropped() {
    let kit = Kit::with_open_window().await;
    kit.fault(json!({"fault": "without_opaque_data"})).await;
    let mut body = text(CUSTOMER, "Hello");
    body["biz_opaque_callback_data"] = json!("mine");
    let id = kit.accepted(&body).await;
    assert!(kit.statuses(&id, 2).await.iter().all(|status| status.get("biz_opaque_callback_data").is_none()));
}

#[tokio::test]
async fn fault_is_of_one_number_and_used_up() {
    let kit = Kit::with_open_window().await;
    kit.fault(json!({"fault": "bad_gateway", "phone_number_id": "2"})).await;
    kit.fault(json!({"fault": "bad_gateway", "to": CUSTOMER, "count": 1})).await;
    assert_eq!(kit.try_send(&text(CUSTOMER, "1")).await.unwrap().status(), 502);
    kit.accepted(&text(CUSTOMER, "2")).await;
    let faults = kit.admin(Method::GET, "faults", json!({})).await;
    assert_eq!((&faults[0]["met"], &faults[1]["met"]), (&json!(0), &json!(1)));
}

#[tokio::test]
async fn reset_forgets_faults_and_the_journal() {
    let kit = Kit::with_open_window().await;
    kit.accepted(&text(CUSTOMER, "1")).await;
    kit.fault(json!({"fault": "bad_gateway"})).await;
    kit.admin(Method::POST, "reset", json!({})).await;
    assert!(kit.journal().await.is_empty());
    kit.customer_writes("again").await;
    kit.accepted(&text(CUSTOMER, "2")).await;
    until(async || (!kit.receiver.messages().is_empty()).then_some(())).await;
}

#[tokio::test]
async fn other_calls_meet_faults_that_name_them() {
    let kit = Kit::with_open_window().await;
    let path = format!("{WABA}/message_templates");
    let call = async || kit.call(Method::GET, &path, TOKEN, None).await;
    kit.fault(json!({"fault": "bad_gateway", "kind": "message_templates", "skip": 1, "count": 1})).await;
    kit.fault(json!({"fault": "reset_after_accept", "kind": "message_templates", "count": 1, "skip": 1})).await;
    kit.fault(json!({"fault": "garbage", "kind": "debug_token"})).await;
    assert_eq!(call().await.unwrap().status(), 200);
    assert_eq!(call().await.unwrap().status(), 502);
    assert!(call().await.is_err());
    assert_eq!(call().await.unwrap().status(), 200);
    let debug = kit.call(Method::GET, &format!("debug_token?input_token={TOKEN}"), TOKEN, None).await.unwrap();
    assert!(debug.json::<Value>().await.is_err());
    kit.accepted(&text(CUSTOMER, "Hello")).await;
}

#[tokio::test]
async fn template_can_be_held_and_dropped() {
    let kit = Kit::start().await;
    kit.fault(json!({"fault": "held_for_quality", "kind": "template"})).await;
    kit.fault(json!({"fault": "failed_status", "code": 132_015, "template": "hello_world"})).await;
    let template = json!({"name": "hello_world", "language": {"code": "en_US"}});
    let body = json!({"messaging_product": "whatsapp", "to": CUSTOMER, "type": "template", "template": template});
    let (_, answer) = kit.send(&body).await;
    assert_eq!(answer["messages"][0]["message_status"], "held_for_quality_assessment");
    let id = answer["messages"][0]["id"].as_str().unwrap();
    assert_eq!(kit.statuses(id, 1).await[0]["errors"][0]["code"], 132_015);
}
