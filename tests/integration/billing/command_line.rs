//! Plans and invoices at the command line.

use std::process::Output;

use serde_json::json;

use crate::kit::api::{AuditRecord, Invoice, Money, Subscription};
use crate::kit::deployment::Deployment;

fn stdout(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn stderr(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn command_line_sets_plans_and_closes_invoices() {
    let deployment = Deployment::new().await;
    let server = deployment.serve_as("api").await;
    let parley = |line: &[&str]| deployment.command(line).output().unwrap();
    let listed = stdout(&parley(&["plans", "list"]));
    let codes: Vec<&str> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(codes, ["starter", "business", "trial"]);
    let set = ["plans", "set", "metered", "--name", "Metered", "--currency", "USD", "--monthly-price", "500"];
    let set = [&set[..], &["--included-messages", "10", "--message-price", "3"]].concat();
    assert!(stdout(&parley(&set)).starts_with("metered       available  USD 500"));

    let token = server.client.sign_up("acme").await.access_token;
    let client = server.client.with_token(&token);
    let chosen: Subscription = super::put(&client, &json!({"plan_code": "metered"})).await.body(200);
    assert_eq!(chosen.price, Money { amount_minor: 500, currency: "USD".to_owned() });
    assert!(stdout(&parley(&["plans", "retire", "metered"])).contains("retired"));
    super::put(&client, &json!({"plan_code": "business"})).await.expect(200);
    assert!(stderr(&parley(&["plans", "retire", "gold"])).contains("no plan gold"));
    assert!(stderr(&parley(&["plans", "retire", "trial"])).contains("cannot be retired"));
    let trial = ["plans", "set", "trial", "--name", "Trial", "--monthly-price", "1", "--included-messages", "1"];
    assert!(stderr(&parley(&[&trial[..], &["--message-price", "0"]].concat())).contains("costs nothing"));
    for line in [&["plans", "set", "Metered"][..], &["plans", "retire", "a b"], &["plans", "set", "metered"]] {
        assert_eq!(parley(line).status.code(), Some(2), "{line:?}");
    }

    let earlier =
        "UPDATE subscriptions SET anchor = anchor - 40, period_start = period_start - 40, period_end = period_end - 40";
    assert_eq!(stdout(&parley(&["invoices", "close"])), "closed 0 invoices\n");
    deployment.database.execute(earlier).await;
    assert_eq!(stdout(&parley(&["invoices", "close", "--tenant", "acme"])), "closed 1 invoices\n");
    assert_eq!(stdout(&parley(&["invoices", "close"])), "closed 0 invoices\n");
    assert!(stderr(&parley(&["invoices", "close", "--tenant", "unknown"])).contains("no tenant unknown"));
    let closed: Vec<Invoice> = client.all().await;
    assert_eq!((closed.len(), closed[0].total.amount_minor), (1, 500));
    let records: Vec<AuditRecord> = client.list("/audit-log?action=invoice.closed").await;
    assert_eq!((records[0].actor.kind.as_str(), records[0].target_id()), ("command_line", closed[0].id.as_str()));
    let changes =
        "SELECT count(*) FROM platform_audit_records WHERE action = 'plan.changed' AND actor_kind = 'command_line'";
    assert_eq!(deployment.database.count(changes).await, 2);
    server.kill().await;
    deployment.finish().await;
}
