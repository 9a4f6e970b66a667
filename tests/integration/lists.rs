//! Lists, their cursors, and tenant isolation.

use serde_json::Value;

use crate::kit::api::{Contact, Conversation, Page};
use crate::kit::app::{Settings, TestApp};
use crate::kit::meta::text;

async fn with_conversations(app: &TestApp, count: usize) -> crate::kit::app::TestTenant {
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let messages: Vec<Value> = (0..count).map(|n| text(&format!("1555{n:04}"), &format!("message {n}"))).collect();
    app.deliver(&number.delivery(&messages)).await.expect(200);
    tenant.wait_for_conversations(count).await;
    tenant
}

#[tokio::test(flavor = "multi_thread")]
async fn cursor_pages_have_no_gaps_or_repeats() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let tenant = with_conversations(&app, 7).await;
    for list in ["/crm/contacts", "/crm/conversations"] {
        let whole: Page<Value> = tenant.client.read(list).await;
        assert_eq!(whole.next_cursor, None);
        assert_eq!(whole.data.len(), 7);

        let (mut walked, mut path) = (Vec::new(), format!("{list}?limit=3"));
        loop {
            let page: Page<Value> = tenant.client.read(&path).await;
            walked.extend(page.data);
            match page.next_cursor {
                Some(cursor) => path = format!("{list}?limit=3&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(walked, whole.data);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cursor_is_valid_for_its_list_and_tenant_only() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let (ours, theirs) = (with_conversations(&app, 2).await, with_conversations(&app, 2).await);
    let page: Page<Contact> = ours.client.read("/crm/contacts?limit=1").await;
    let ours_contacts = page.cursor();
    let mut tampered = ours_contacts.to_owned();
    tampered.replace_range(..1, if tampered.starts_with('A') { "B" } else { "A" });

    theirs.client.get(&format!("/crm/contacts?cursor={ours_contacts}")).await.problem(400, "invalid_cursor");
    ours.client.get(&format!("/crm/conversations?cursor={ours_contacts}")).await.problem(400, "invalid_cursor");
    for bad in [tampered.as_str(), "x", "AAAA", &ours_contacts[1..]] {
        ours.client.get(&format!("/crm/contacts?cursor={bad}")).await.problem(400, "invalid_cursor");
    }
    for bad in ["limit=0", "limit=101", "limit=x", "limit=1&limit=2", "unknown=1"] {
        ours.client.get(&format!("/crm/contacts?{bad}")).await.problem(400, "invalid_query");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_are_filtered() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let tenant = with_conversations(&app, 2).await;
    let count =
        async |query: &str| tenant.client.list::<Conversation>(&format!("/crm/conversations?{query}")).await.len();
    assert_eq!(count("status=open").await, 2);
    assert_eq!(count("status=closed").await, 0);
    let account = tenant.conversations().await[0].account_id.clone();
    assert_eq!(count(&format!("account={account}&status=open")).await, 2);
    assert_eq!(count(&format!("account={}", tenant.id)).await, 0);
    tenant.client.get("/crm/conversations?status=lost").await.problem(400, "invalid_query");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conversation_of_other_tenant_is_not_found() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let (ours, theirs) = (with_conversations(&app, 1).await, app.tenant().await);
    let id = &ours.conversations().await[0].id;
    let unknown = "0190b5a2-7e2f-7000-8000-000000000000";
    let client = theirs.client.with("x-request-id", "same");
    for path in ["/crm/conversations/$", "/crm/conversations/$/messages"] {
        let (foreign, none) = (client.get(&path.replace('$', id)).await, client.get(&path.replace('$', unknown)).await);
        none.problem(404, "not_found");
        assert_eq!(foreign.text, none.text);
        assert_eq!(foreign.status, none.status);
    }
    assert_eq!(theirs.conversations().await.len(), 0);
    app.finish().await;
}
