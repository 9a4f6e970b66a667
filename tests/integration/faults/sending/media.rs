//! The process that fetches a file from Meta is killed.

use serde_json::json;

use crate::kit::customer::fresh_phone;
use crate::kit::sending_setup::{LIMIT, SendingSetup};
use crate::kit::wait;

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and many pixels";

/// It is fetched by another process when the lease has ended, and is visible once it is whole.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn file_of_a_killed_process_is_fetched_by_another() {
    let setup = SendingSetup::new().await;
    let (_tenant, line) = setup.tenant_with_line().await;
    setup.meta.fault(&line, json!({"fault": "slow_media", "seconds": 100, "count": 1})).await;
    let id = setup.meta.customer_file(&line, "image/png", PICTURE).await;
    let message = json!({"phone_number_id": line.number.phone_number_id, "from": fresh_phone(), "type": "image",
        "image": {"id": id}});
    setup.meta.post("/phone/messages", &message).await;
    let database = &setup.deployment.database;
    let first = setup.deployment.serve_as("scheduler").await;
    let started = "SELECT count(*) FROM jobs WHERE kind = 'media_download' AND holder IS NOT NULL";
    wait::within(LIMIT, "the download", async || (database.count(started).await == 1).then_some(())).await;
    first.kill().await;
    assert_eq!(database.count("SELECT count(*) FROM media WHERE state = 'waiting'").await, 1);
    let second = setup.deployment.serve_as("scheduler").await;
    let stored = "SELECT count(*) FROM media f JOIN media_objects o ON o.sha256 = f.sha256
                   WHERE f.state = 'stored' AND o.written_at IS NOT NULL";
    wait::within(LIMIT, "the file", async || (database.count(stored).await == 1).then_some(())).await;
    assert_eq!(database.count("SELECT count(*) FROM jobs WHERE kind = 'media_download'").await, 0);
    second.signal("TERM");
    assert!(second.exit().await.success());
}
