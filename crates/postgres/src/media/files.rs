//! Reading files, and those that were uploaded.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::{MediaId, MessageId};
use media::{Media, NewUploaded};
use uuid::Uuid;

use super::row::MediaRow;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

const BY_ID: &str = "
SELECT f.id, f.source, f.state, f.mime_type, f.filename, f.sha256, o.size, f.failure, f.waits_until, f.created_at
  FROM media f
  LEFT JOIN media_objects o ON o.tenant_id = f.tenant_id AND o.sha256 = f.sha256
 WHERE f.tenant_id = $1 AND f.id = ANY ($2)";

const OF_MESSAGES: &str = "
SELECT l.message_id, f.id, f.source, f.state, f.mime_type, f.filename, f.sha256, o.size, f.failure, f.waits_until, f.created_at
  FROM message_media l
  JOIN media f ON f.tenant_id = l.tenant_id AND f.id = l.media_id
  LEFT JOIN media_objects o ON o.tenant_id = f.tenant_id AND o.sha256 = f.sha256
 WHERE l.tenant_id = $1 AND l.message_id = ANY ($2)";

const INSERT_UPLOADED: &str = "
INSERT INTO media (tenant_id, id, source, state, mime_type, filename, sha256, ended_at, created_at)
VALUES ($1, $2, 'uploaded', 'stored', $3, $4, $5, $6, $6)";

const LINK: &str = "
INSERT INTO message_media (tenant_id, message_id, media_id)
SELECT $1, link.* FROM unnest($2, $3) AS link (message_id, media_id)
    ON CONFLICT (tenant_id, message_id) DO UPDATE SET media_id = excluded.media_id";

const UNLINK: &str = "DELETE FROM message_media WHERE tenant_id = $1 AND message_id = $2";

#[derive(QueryableByName)]
struct OfMessage {
    #[diesel(sql_type = types::Uuid)]
    message_id: Uuid,
    #[diesel(embed)]
    media: MediaRow,
}

pub(super) async fn by_id(tx: &mut Tx<Tenant>, ids: &[MediaId]) -> Result<HashMap<MediaId, Media>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let statement = sql(BY_ID).bind::<types::Uuid, _>(tx.tenant_id()).bind::<types::Uuids, _>(ids);
    let rows: Vec<MediaRow> = Prepared(statement).load(tx.connection()).await.or_store_error()?;
    rows.into_iter().map(|row| row.into_media().map(|media| (media.id, media))).collect()
}

pub(super) async fn of_messages(
    tx: &mut Tx<Tenant>,
    messages: &[MessageId],
) -> Result<Vec<(MessageId, Media)>, StoreError> {
    let ids: Vec<Uuid> = messages.iter().map(|id| id.as_uuid()).collect();
    let statement = sql(OF_MESSAGES).bind::<types::Uuid, _>(tx.tenant_id()).bind::<types::Uuids, _>(ids);
    let rows: Vec<OfMessage> = Prepared(statement).load(tx.connection()).await.or_store_error()?;
    rows.into_iter().map(|row| Ok((MessageId::from_uuid(row.message_id), row.media.into_media()?))).collect()
}

pub(super) async fn insert_uploaded(
    tx: &mut Tx<Tenant>,
    media: &NewUploaded,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let statement = sql(INSERT_UPLOADED)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Uuid, _>(media.id.as_uuid())
        .bind::<types::Text, _>(&media.mime_type)
        .bind::<Nullable<types::Text>, _>(media.filename.as_deref())
        .bind::<types::Binary, _>(media.stored.sha256.as_bytes().as_slice())
        .bind::<types::Timestamptz, _>(now);
    tx.execute(statement).await?;
    Ok(())
}

pub(super) async fn link(tx: &mut Tx<Tenant>, links: &[(MessageId, MediaId)]) -> Result<(), StoreError> {
    let (messages, media): (Vec<Uuid>, Vec<Uuid>) =
        links.iter().map(|(message, media)| (message.as_uuid(), media.as_uuid())).unzip();
    let statement = sql(LINK)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Uuids, _>(messages)
        .bind::<types::Uuids, _>(media);
    tx.execute(statement).await?;
    Ok(())
}

pub(super) async fn unlink(tx: &mut Tx<Tenant>, message: MessageId) -> Result<(), StoreError> {
    let statement = sql(UNLINK).bind::<types::Uuid, _>(tx.tenant_id()).bind::<types::Uuid, _>(message.as_uuid());
    tx.execute(statement).await?;
    Ok(())
}
