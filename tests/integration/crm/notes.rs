//! Notes in a contact's history.

use serde_json::json;

use super::{contact_of, pointers};
use crate::kit::api::{Interaction, Resource as _};
use crate::kit::app::TestApp;
use crate::kit::customer::fresh_phone;

#[tokio::test(flavor = "multi_thread")]
async fn note_is_stored_with_author() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let contact = contact_of(&tenant, "Ada", &fresh_phone()).await;
    let path = format!("{}/interactions", contact.path());
    let text = format!("Called about:\n\t- {}", "the invoice, ".repeat(40).trim_end());
    let note: Interaction = tenant.client.post(&path, &json!({"text": format!(" {text}\n")})).await.body(201);
    assert_eq!((note.kind.as_str(), note.text.as_str()), ("note", text.as_str()));
    assert_eq!((&note.contact_id, &note.actor_id), (&contact.id, &Some(tenant.me().await.user.id)));
    assert_eq!(tenant.interactions(&contact).await, [note]);

    for (body, pointer) in [
        (json!({}), "/text"),
        (json!({"text": ""}), "/text"),
        (json!({"text": " \n "}), "/text"),
        (json!({"text": "x".repeat(4_001)}), "/text"),
        (json!({"text": "nul\0"}), "/text"),
        (json!({"text": "a", "kind": "call"}), "/kind"),
        (json!({"text": "a", "actor_id": contact.id}), "/actor_id"),
    ] {
        assert_eq!(pointers(&tenant.client.post(&path, &body).await), [pointer], "{body}");
    }
    assert_eq!(tenant.interactions(&contact).await.len(), 1);
    let viewer = app.user(&tenant, Some("viewer")).await;
    viewer.client.get(&path).await.json(200);
    viewer.client.post(&path, &json!({"text": "a"})).await.problem(403, "insufficient_scope");
    let unknown = "/crm/contacts/0190b5a2-7e2f-7000-8000-000000000000/interactions";
    tenant.client.post(unknown, &json!({"text": "a"})).await.problem(404, "not_found");
}
