//! `parley whatsapp set-token` and `check`: an operator enters a token, and asks Meta about numbers.

use std::io::Write as _;
use std::process::{Output, Stdio};

use chrono::TimeDelta;
use kernel::{Clock as _, SystemClock};
use serde_json::json;

use crate::kit::api::{Resource as _, WhatsAppAccount};
use crate::kit::client::Client;
use crate::kit::deployment::Deployment;
use crate::kit::graph::GraphServer;
use crate::kit::meta::{Number, fresh_digits};
use crate::kit::wait;

/// Everything that a command wrote. It must not have a token.
fn written(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8(text).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    text
}

/// Enters a token by standard input.
fn set_token(deployment: &Deployment, number: &Number, token: &str) -> Output {
    let line = ["whatsapp", "set-token", "--tenant", "acme", "--number", &number.phone_number_id];
    let mut command = deployment.command(&line);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{token}\n").as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn check(deployment: &Deployment) -> Output {
    deployment.command(&["whatsapp", "check", "--tenant", "acme"]).output().unwrap()
}

async fn account(client: &Client) -> WhatsAppAccount {
    client.all::<WhatsAppAccount>().await.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_enters_a_token_and_checks_it() {
    let meta = GraphServer::start().await;
    let url = format!("http://127.0.0.1:{}", meta.port);
    let deployment = Deployment::new().await.with("PARLEY_WHATSAPP_GRAPH_URL", url);
    let server = deployment.serve_as("api,scheduler").await;
    let client = server.client.with_token(&server.client.sign_up("acme").await.access_token);
    let number = Number::fresh();
    let claim = json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id});
    client.post(WhatsAppAccount::LIST, &claim).await.json(201);

    let refused = set_token(&deployment, &number, "EAAhunter2unknown");
    assert_eq!(refused.status.code(), Some(1));
    assert!(written(&refused).contains("the token is not stored: Invalid OAuth access token (code 190)"));
    assert_eq!(account(&client).await.sending.state, "no_token");
    let unknown = set_token(&deployment, &Number::fresh(), "EAAhunter2unknown");
    assert!(written(&unknown).contains("the tenant has no such number"));

    let token = format!("EAAhunter2{}", fresh_digits());
    meta.grant(&token, &number);
    let ends = SystemClock::new().now() + TimeDelta::days(3);
    meta.change(&token, "/debug_token", |body| body["data"]["expires_at"] = ends.timestamp().into());
    let entered = set_token(&deployment, &number, &token);
    assert!(entered.status.success(), "{}", written(&entered));
    let text = written(&entered);
    assert!(text.contains("token valid: yes") && text.contains("problem: The access token ends at"), "{text}");
    assert_eq!(account(&client).await.sending.state, "ready");
    let is_counted = async || (server.metric("parley_whatsapp_tokens_ending").await > 0.5).then_some(());
    wait::until("the token to be counted", is_counted).await;

    let ending = check(&deployment);
    assert_eq!(ending.status.code(), Some(1));
    assert!(written(&ending).contains("found 1 problems"));
    meta.grant(&token, &number);
    let healthy = check(&deployment);
    assert!(healthy.status.success() && written(&healthy).contains("registered: yes"), "{}", written(&healthy));

    let log = serde_json::to_string(&server.log()).unwrap();
    assert!(!log.contains("hunter2"), "{log}");
    server.signal("TERM");
    assert!(server.exit().await.success());
    deployment.finish().await;
}
