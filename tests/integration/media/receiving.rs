use serde_json::{Value, json};

use super::{Setup, fault};
use crate::kit::upload::PNG;
use crate::kit::wait;

#[tokio::test(flavor = "multi_thread")]
async fn received_file_is_stored_whole_and_shown() {
    let setup = Setup::new().await;
    let wamid = setup.receive(PNG).await;
    setup.wait_for_state(&wamid, "stored").await;
    let media = setup.message(&wamid).await.media.unwrap();
    let size = u64::try_from(PNG.len()).unwrap();
    let seen = (media.state.as_str(), media.size, media.mime_type.as_deref());
    assert_eq!(seen, ("stored", Some(size), Some("image/png")));
    assert!(media.content_id.is_some() && media.id.is_some(), "{media:?}");
    let objects = setup.objects();
    assert_eq!(objects.len(), 1, "{objects:?}");
    assert!(objects[0].starts_with(&setup.tenant.id), "{objects:?}");
    assert_eq!(std::fs::read(setup.folder.join(&objects[0])).unwrap(), PNG);
    assert_eq!(setup.app.database.count("SELECT count(*) FROM jobs WHERE kind = 'media_download'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_media_ends_in_the_right_state() {
    let setup = Setup::new().await;
    for (name, members, state) in [
        ("wrong_media_hash", json!({}), "refused"),
        ("wrong_media_size", json!({"file_size": 5}), "refused"),
        ("wrong_media_size", json!({"file_size": 500}), "refused"),
        ("wrong_media_size", json!({"file_size": 200_000_000}), "refused"),
        ("wrong_media_type", json!({"mime_type": "video/mp4"}), "refused"),
        ("media_longer", json!({}), "refused"),
        ("other_media_bytes", json!({}), "refused"),
        ("media_redirect", json!({"location": "http://127.0.0.1:1/"}), "refused"),
        ("expired_media_address", json!({}), "gone"),
        ("media_cut_off", json!({}), "expired"),
        ("bad_gateway", json!({"kind": "media_download"}), "expired"),
        ("garbage", json!({"kind": "media_node"}), "expired"),
    ] {
        let line = setup.meta.line(&setup.app, &setup.tenant.log_in_again(&setup.app).await).await;
        setup.meta.fault(&line, fault(name, &members)).await;
        let wamid = setup.receive_at(&line, "image", "image/png", PNG).await;
        assert_eq!(setup.end_of(&wamid).await, state, "{name} {members}");
        let media = setup.message(&wamid).await.media.unwrap();
        assert_eq!((media.state.as_str(), media.size), (state, None), "{name}");
    }
    assert_eq!(setup.objects(), [""; 0], "no byte of a wrong file is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn passing_fault_of_media_loses_nothing() {
    let setup = Setup::new().await;
    for (name, members) in [
        ("wrong_media_hash", json!({"count": 1})),
        ("expired_media_address", json!({"count": 1})),
        ("media_cut_off", json!({"count": 2})),
        ("bad_gateway", json!({"kind": "media_download", "count": 2})),
    ] {
        let line = setup.meta.line(&setup.app, &setup.tenant.log_in_again(&setup.app).await).await;
        setup.meta.fault(&line, fault(name, &members)).await;
        let wamid = setup.receive_at(&line, "image", "image/png", PNG).await;
        assert_eq!(setup.end_of(&wamid).await, "stored", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_meta_does_not_have_is_gone() {
    let setup = Setup::new().await;
    let message = json!({"phone_number_id": setup.line.number.phone_number_id, "from": "15550001234", "type": "image",
        "image": {"id": "998877665544", "mime_type": "image/png"}});
    let sent = setup.meta.post("/phone/messages", &message).await;
    assert_eq!(setup.end_of(sent["id"].as_str().unwrap()).await, "gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn file_of_another_type_than_its_kind_is_refused() {
    let setup = Setup::new().await;
    let html = b"<html><script>alert(1)</script></html>".as_slice();
    let wamid = setup.receive_at(&setup.line, "image", "image/jpeg", html).await;
    assert_eq!(setup.end_of(&wamid).await, "refused");
    let wamid = setup.receive_at(&setup.line, "document", "application/pdf", html).await;
    assert_eq!(setup.end_of(&wamid).await, "stored");
    assert_eq!(setup.column(&wamid, "f.mime_type").await, "text/html", "a document is what its bytes say");
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_token_pauses_and_a_new_one_fetches_what_waits() {
    let setup = Setup::new().await;
    let number = format!("/numbers/{}", setup.line.number.phone_number_id);
    setup.meta.patch(&number, &json!({"token_error": 463})).await;
    let wamid = setup.receive(PNG).await;
    let refused = async || (setup.column(&wamid, "f.failure").await == "token_refused").then_some(());
    wait::until("the refusal of the token", refused).await;
    let account = format!("/whatsapp-accounts/{}", setup.line.account.id);
    let seen = setup.tenant.client.get(&account).await.json(200);
    assert_eq!(seen["sending"]["state"], "paused", "{seen}");
    assert_eq!(seen["waiting_media"]["files"], 1, "{seen}");
    assert!(seen["waiting_media"]["first_ends_at"].is_string(), "{seen}");
    setup.meta.patch(&number, &json!({"token_error": null, "tokens": ["EAAnext"]})).await;
    setup.tenant.client.patch(&account, &json!({"access_token": "EAAnext"})).await.expect(200);
    setup.wait_for_state(&wamid, "stored").await;
    let seen = setup.tenant.client.get(&account).await.json(200);
    assert_eq!(seen["waiting_media"], json!({"files": 0, "first_ends_at": null}), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn file_without_a_token_waits_until_its_deadline() {
    let setup = Setup::new().await;
    let account = format!("/whatsapp-accounts/{}", setup.line.account.id);
    setup.tenant.client.patch(&account, &json!({"access_token": null})).await.expect(200);
    let wamid = setup.receive(PNG).await;
    let waits = async || (setup.column(&wamid, "f.failure").await == "no_token").then_some(());
    wait::until("the file without a token", waits).await;
    setup.app.clock.advance(chrono::TimeDelta::hours(7 * 24 + 1));
    setup.wait_for_state(&wamid, "expired").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn same_file_is_one_object_per_tenant() {
    let setup = Setup::new().await;
    let other = setup.app.tenant().await;
    let others = setup.meta.line(&setup.app, &other).await;
    for wamid in [setup.receive(PNG).await, setup.receive(PNG).await] {
        setup.wait_for_state(&wamid, "stored").await;
    }
    let theirs = setup.receive_at(&others, "image", "image/png", PNG).await;
    setup.wait_for_state(&theirs, "stored").await;
    let objects = setup.objects();
    assert_eq!(objects.len(), 2, "{objects:?}");
    let hash = |name: &String| name.split_once('/').unwrap().1.to_owned();
    assert_eq!(hash(&objects[0]), hash(&objects[1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn redelivered_message_has_one_file() {
    let setup = Setup::new().await;
    let wamid = setup.receive(PNG).await;
    setup.wait_for_state(&wamid, "stored").await;
    let files = "SELECT count(*) FROM media";
    assert_eq!(setup.app.database.count(files).await, 1);
    let deliveries = setup.meta.get("/deliveries").await;
    let bodies = deliveries.as_array().unwrap().iter().map(|record| match &record["body"] {
        Value::String(text) => serde_json::from_str(text).unwrap(),
        body => body.clone(),
    });
    let body: Value = bodies.into_iter().find(|body: &Value| body.to_string().contains(&wamid)).unwrap();
    setup.app.process(&body).await;
    assert_eq!(setup.app.database.count(files).await, 1);
}
