//! Events about this tenant's customers, messages and accounts that are signed by another tenant's app.

use serde_json::{Value, json};

use crate::kit::api::{Contact, Conversation, Interaction, Message, WhatsAppAccount};
use crate::kit::app::{TestApp, TestTenant};
use crate::kit::customer::{Customer, joined, system, wamid};
use crate::kit::meta::{Number, second};

/// All of a tenant's data that the API shows.
#[derive(Debug, PartialEq)]
struct TenantData {
    contacts: Vec<Contact>,
    conversations: Vec<Conversation>,
    messages: Vec<Message>,
    interactions: Vec<Interaction>,
    accounts: Vec<WhatsAppAccount>,
}

impl TenantData {
    async fn of(tenant: &TestTenant) -> Self {
        let (contacts, conversations) = (tenant.contacts().await, tenant.conversations().await);
        let (mut messages, mut interactions) = (Vec::new(), Vec::new());
        for conversation in &conversations {
            messages.extend(tenant.messages(conversation).await);
        }
        for contact in &contacts {
            interactions.extend(tenant.interactions(contact).await);
        }
        Self { contacts, conversations, messages, interactions, accounts: tenant.accounts().await }
    }
}

/// Events of every kind about a number, a customer and their messages.
fn everything(number: &Number, ada: &Customer, theirs: &str, ours: &str) -> Value {
    let changed = Customer::fresh();
    let edit = json!({"original_message_id": theirs, "message": {"type": "text", "text": {"body": "forged"}}});
    let rotation = json!({"type": "user_changed_number", "wa_id": changed.phone, "user_id": changed.bsuid,
                          "previous_user_id": ada.bsuid});
    let message = |id: &str, body: &str| {
        let mut message = ada.text(100, body);
        message["id"] = json!(id);
        message
    };
    let call = json!({"id": "wacid.forged", "from": ada.phone, "event": "connect", "direction": "USER_INITIATED",
                      "timestamp": second(100).to_string()});
    let consent = json!({"wa_id": ada.phone, "user_id": ada.bsuid, "category": "marketing_messages", "value": "stop",
                         "timestamp": second(100)});
    let book =
        json!({"type": "contact", "contact": {"full_name": "Forged", "phone_number": ada.phone}, "action": "add"});
    let handover = json!({"type": "control_taken", "recipient": {"phone_number_id": number.phone_number_id},
                          "sender": {"phone_number": ada.phone}});
    let deleted = json!({"event": "ACCOUNT_DELETED"});
    let removed = json!({"event": "PARTNER_REMOVED", "waba_info": {"waba_id": number.waba_id}});
    joined(&[
        number.received(&ada.clone().named("Forged"), &[message("wamid.forged", "forged"), message(theirs, "forged")]),
        number.received(ada, &[ada.message(100, "edit", edit.clone())]),
        number.received(ada, &[ada.message(100, "revoke", json!({"original_message_id": theirs}))]),
        number.received(ada, &[ada.message(100, "reaction", json!({"message_id": ours, "emoji": "👎"}))]),
        number.statuses(&[ada.status(100, ours, "failed"), ada.status(101, ours, "read")]),
        number.notices(&[system(100, ada.phone.as_deref(), rotation)]),
        number.echoes(&[ada.echo(100, "text", json!({"body": "forged"})), ada.echo(100, "edit", edit)]),
        number.history(&[(ada, &[ada.text(5, "forged")])]),
        number.change("standby", json!({"messages": [ada.text(100, "forged")]})),
        number.change("calls", json!({"calls": [call]})),
        number.change("user_preferences", json!({"user_preferences": [consent]})),
        number.change("smb_app_state_sync", json!({"state_sync": [book]})),
        number.account_change(100, "messaging_handovers", &handover),
        number.account_change(100, "account_update", &deleted),
        number.account_change(100, "account_update", &removed),
        number.account_change(100, "phone_number_quality_update", &json!({"event": "FLAGGED"})),
        number.change("a_field_of_tomorrow", json!({"x": 1})),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_of_other_app_change_and_reveal_nothing() {
    let app = TestApp::start_with_pipeline().await;
    let (deployments, own, attacker) = (app.tenant().await, app.tenant().await, app.tenant().await);
    // One of the tenant's numbers is on the deployment's app, one on its own app.
    let (ours, number, owns) = (own.meta_app().await, deployments.connect().await, Number::fresh());
    own.connect_to(&ours, &owns).await;
    let ada = Customer::fresh();
    let (theirs, sent) = (ada.text(10, "genuine"), ada.echo(20, "text", json!({"body": "our answer"})));
    for (number, by) in [(&number, None), (&owns, Some(&ours))] {
        let genuine =
            joined(&[number.received(&ada, std::slice::from_ref(&theirs)), number.echoes(std::slice::from_ref(&sent))]);
        match by {
            None => app.deliver(&genuine).await.expect(200),
            Some(own) => app.deliver_for_app(own, &genuine).await.expect(200),
        }
    }
    app.wait_until_processed().await;
    let before = [TenantData::of(&deployments).await, TenantData::of(&own).await];
    assert_eq!(before[0].messages.len(), 2);

    // First without any account, then with the same numbers connected to the signing app.
    let forging = attacker.meta_app().await;
    for connects in [false, true] {
        for number in [&number, &owns] {
            if connects {
                attacker.connect_to(&forging, number).await;
            }
            app.deliver_for_app(&forging, &everything(number, &ada, wamid(&theirs), wamid(&sent))).await.expect(200);
            app.wait_until_processed().await;
            assert_eq!(
                [TenantData::of(&deployments).await, TenantData::of(&own).await],
                before,
                "connected: {connects}"
            );
        }
        let seen = format!("{:?}", TenantData::of(&attacker).await);
        assert_eq!(seen.contains("forged"), connects, "signed events go to the signing app's account");
        assert!(!seen.contains("genuine") && !seen.contains("our answer"), "{seen}");
    }

    // Genuine events are still stored, although the other app signed the same ones before.
    let genuine = everything(&number, &ada, wamid(&theirs), wamid(&sent));
    app.deliver(&genuine).await.expect(200);
    app.wait_until_processed().await;
    let after = TenantData::of(&deployments).await;
    assert_ne!(after, before[0]);
    assert_eq!(after.accounts[0].status, "disconnected");
    assert_eq!(TenantData::of(&own).await, before[1]);
    app.finish().await;
}
