use std::fs;

use flows::{check_media, delete_objects, sweep_stores, sweep_unlinked, sweep_unused};
use kernel::Clock as _;
use objects::Objects;
use serde_json::json;

use super::Setup;
use crate::kit::meta::fresh_digits;
use crate::kit::upload::PNG;
use crate::kit::{media_store, wait};

impl Setup {
    fn store(&self) -> Objects {
        Objects::open(&media_store::url(&self.folder).parse().unwrap(), &[]).unwrap()
    }

    /// What the sweeper does, after the time for which new objects stay.
    async fn sweep(&self) {
        self.app.clock.advance(chrono::TimeDelta::minutes(11));
        sweep_unlinked(&self.app.postgres, &*self.app.clock).await.unwrap();
        sweep_unused(&self.app.postgres, &*self.app.clock).await.unwrap();
        while delete_objects(&self.app.postgres, &self.store(), &*self.app.clock).await.unwrap() > 0 {}
    }

    async fn sent_by(&self, wamid: &str) -> String {
        self.app
            .database
            .text(&format!("SELECT contact_id::text AS finding FROM messages WHERE wamid = '{wamid}'"))
            .await
    }

    async fn stored(&self, bytes: &[u8]) -> String {
        let wamid = self.receive(bytes).await;
        self.wait_for_state(&wamid, "stored").await;
        wamid
    }

    async fn erase_sender_of(&self, wamid: &str) {
        let path = format!("/crm/contacts/{}", self.sent_by(wamid).await);
        self.tenant.log_in_again(&self.app).await.client.delete(&path).await.expect(204);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn erased_contact_takes_its_bytes_along() {
    let setup = Setup::new().await;
    let (first, second) = (setup.stored(PNG).await, setup.stored(PNG).await);
    setup.erase_sender_of(&first).await;
    setup.sweep().await;
    assert_eq!(setup.objects().len(), 1, "the other contact has sent the same file");
    assert_eq!(setup.state(&second).await, "stored");
    setup.erase_sender_of(&second).await;
    setup.sweep().await;
    let gone = async || setup.objects().is_empty().then_some(());
    wait::until("the end of the bytes", gone).await;
    assert_eq!(setup.app.database.count("SELECT count(*) FROM media").await, 0);
    assert_eq!(setup.app.database.count("SELECT count(*) FROM media_objects").await, 0);
    let again = setup.stored(PNG).await;
    assert_eq!((setup.objects().len(), setup.state(&again).await.as_str()), (1, "stored"));
}

#[tokio::test(flavor = "multi_thread")]
async fn revoked_message_takes_its_bytes_along() {
    let setup = Setup::new().await;
    let wamid = setup.stored(PNG).await;
    let query = format!("SELECT payload::json->>'from' AS finding FROM messages WHERE wamid = '{wamid}'");
    let phone = setup.app.database.text(&query).await;
    let number = &setup.line.number.phone_number_id;
    let message = json!({"from": phone, "id": format!("wamid.{}", fresh_digits()), "type": "revoke",
        "timestamp": setup.app.clock.now().timestamp().to_string(), "revoke": {"original_message_id": wamid}});
    let value =
        json!({"messaging_product": "whatsapp", "metadata": {"phone_number_id": number}, "messages": [message]});
    setup.meta.post("/webhooks/send", &json!({"phone_number_id": number, "field": "messages", "value": value})).await;
    wait::until("the revocation", async || setup.message(&wamid).await.revoked_at).await;
    setup.sweep().await;
    let gone = async || setup.objects().is_empty().then_some(());
    wait::until("the end of the bytes", gone).await;
    assert_eq!(setup.state(&wamid).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn sweep_deletes_objects_that_no_file_has() {
    let setup = Setup::new().await;
    setup.stored(PNG).await;
    let unknown = setup.folder.join(&setup.tenant.id).join("00".repeat(32));
    fs::write(&unknown, b"left by an interrupted write").unwrap();
    let sweep = async || sweep_stores(&setup.app.postgres, &setup.store(), &*setup.app.clock).await.unwrap();
    assert_eq!(sweep().await.unknown, 0, "it may get its row in a moment");
    setup.app.clock.advance(chrono::TimeDelta::hours(25));
    let swept = sweep().await;
    assert_eq!((swept.unknown, swept.missing), (1, 0));
    setup.sweep().await;
    let gone = async || (!unknown.exists()).then_some(());
    wait::until("the end of the unknown object", gone).await;
    assert_eq!(setup.objects().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_object_is_found_and_fetched_again() {
    let setup = Setup::new().await;
    let wamid = setup.stored(PNG).await;
    let object = setup.folder.join(&setup.objects()[0]);
    fs::remove_file(&object).unwrap();
    let mut problems = Vec::new();
    let checked = check_media(&setup.app.postgres, &setup.store(), &*setup.app.clock, |it| problems.push(it)).await;
    let checked = checked.unwrap();
    assert_eq!((checked.objects, checked.missing, checked.is_whole()), (1, 1, false), "{problems:?}");
    let swept = sweep_stores(&setup.app.postgres, &setup.store(), &*setup.app.clock).await.unwrap();
    assert_eq!((swept.missing, swept.fetched_again), (1, 1));
    setup.wait_for_state(&wamid, "stored").await;
    assert_eq!(fs::read(&object).unwrap(), PNG);
    let checked = check_media(&setup.app.postgres, &setup.store(), &*setup.app.clock, |_| {}).await.unwrap();
    assert!(checked.is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn store_that_was_away_gets_all_files() {
    let setup = Setup::new().await;
    let away = setup.folder.with_extension("away");
    fs::rename(&setup.folder, &away).unwrap();
    let wamid = setup.receive(PNG).await;
    let failed = async || (setup.column(&wamid, "f.failure").await == "store").then_some(());
    wait::until("the failure of the store", failed).await;
    assert_eq!(setup.state(&wamid).await, "waiting");
    fs::rename(&away, &setup.folder).unwrap();
    setup.app.clock.advance(chrono::TimeDelta::minutes(3));
    setup.wait_for_state(&wamid, "stored").await;
    assert_eq!(setup.objects().len(), 1);
}
