//! Files at Meta, which were uploaded to be sent.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use diesel::{OptionalExtension as _, QueryableByName};
use diesel_async::RunQueryDsl;
use kernel::ids::{AccountId, MediaId, MediaUploadId, SendId};
use kernel::{MediaKind, StoreError};
use media::{AtMeta, MediaAtMetaRepo, USED_AT_META, WantedUpload, type_for_meta};
use uuid::Uuid;

use super::row::{sha256, size_of};
use crate::closed_set;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

const FILE: &str = "
SELECT f.mime_type, coalesce(f.filename, 'file') AS filename, f.sha256, o.size
  FROM media f JOIN media_objects o ON o.tenant_id = f.tenant_id AND o.sha256 = f.sha256
 WHERE f.tenant_id = $1 AND f.id = $2 AND f.state = 'stored'";

/// What is there stays as it is, unless Meta is about to delete it.
const WANT: &str = "
INSERT INTO media_at_meta AS m (tenant_id, id, account_id, sha256, kind, mime_type, filename, size, state)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'wanted')
    ON CONFLICT (tenant_id, account_id, sha256, kind, mime_type) DO UPDATE
   SET state = CASE WHEN m.uploaded_at <= $9 THEN 'wanted' ELSE m.state END,
       meta_id = CASE WHEN m.uploaded_at <= $9 THEN NULL ELSE m.meta_id END,
       uploaded_at = CASE WHEN m.uploaded_at <= $9 THEN NULL ELSE m.uploaded_at END
RETURNING id, state, meta_id";

const FORGET_REFUSAL: &str = "DELETE FROM media_at_meta WHERE tenant_id = $1 AND id = $2";

const WANTED: &str = "
SELECT account_id, sha256, size, kind, mime_type, filename FROM media_at_meta
 WHERE tenant_id = $1 AND id = $2 AND state = 'wanted'";

/// What waits for the file, with all of its conversation, may leave now. What a sender works on decides by itself.
const UPLOADED: &str = "
WITH uploaded AS (
  UPDATE media_at_meta
     SET state = CASE WHEN $3 IS NULL THEN 'refused' ELSE 'uploaded' END, meta_id = $3,
         uploaded_at = CASE WHEN $3 IS NULL THEN NULL ELSE $4 END
   WHERE tenant_id = $1 AND id = $2 AND state = 'wanted'
  RETURNING account_id, sha256
), files AS (
  SELECT u.account_id, f.id::text AS id FROM uploaded u JOIN media f ON f.tenant_id = $1 AND f.sha256 = u.sha256
), conversations AS (
  SELECT DISTINCT s.conversation_id
    FROM sends s JOIN files f ON f.account_id = s.account_id
   WHERE s.tenant_id = $1 AND s.state = 'queued' AND strpos(s.body, '\"id\":\"media:' || f.id || ':') > 0
), waiting AS MATERIALIZED (
  SELECT id FROM sends
   WHERE tenant_id = $1 AND conversation_id IN (SELECT conversation_id FROM conversations) AND state = 'queued'
     AND NOT is_due AND NOT may_have_been_sent AND coalesce(send_at <= $4, true) AND send_before > $4
     FOR UPDATE SKIP LOCKED
)
UPDATE sends s SET is_due = true, due_at = $4 FROM waiting w WHERE s.tenant_id = $1 AND s.id = w.id";

const FORGET: &str = "
UPDATE media_at_meta m SET state = 'wanted', meta_id = NULL, uploaded_at = NULL
  FROM sends s, media f
 WHERE s.tenant_id = $1 AND s.id = ANY ($2) AND f.tenant_id = $1
   AND f.id IN (SELECT (regexp_matches(s.body, '\"id\":\"media:([0-9a-f-]{36}):', 'g'))[1]::uuid)
   AND m.tenant_id = $1 AND m.account_id = s.account_id AND m.sha256 = f.sha256";

#[derive(QueryableByName)]
struct FileRow {
    #[diesel(sql_type = Nullable<types::Text>)]
    mime_type: Option<String>,
    #[diesel(sql_type = types::Text)]
    filename: String,
    #[diesel(sql_type = types::Binary)]
    sha256: Vec<u8>,
    #[diesel(sql_type = types::BigInt)]
    size: i64,
}

#[derive(QueryableByName)]
struct StateRow {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = types::Text)]
    state: String,
    #[diesel(sql_type = Nullable<types::Text>)]
    meta_id: Option<String>,
}

#[derive(QueryableByName)]
struct WantedRow {
    #[diesel(sql_type = types::Uuid)]
    account_id: Uuid,
    #[diesel(sql_type = types::Binary)]
    sha256: Vec<u8>,
    #[diesel(sql_type = types::BigInt)]
    size: i64,
    #[diesel(sql_type = types::Text)]
    kind: String,
    #[diesel(sql_type = types::Text)]
    mime_type: String,
    #[diesel(sql_type = types::Text)]
    filename: String,
}

#[async_trait]
impl MediaAtMetaRepo for Tx<Tenant> {
    async fn media_at_meta(
        &mut self,
        account: AccountId,
        (media, kind): (MediaId, MediaKind),
        new: MediaUploadId,
        now: DateTime<Utc>,
    ) -> Result<AtMeta, StoreError> {
        let tenant = self.tenant_id();
        let file = sql(FILE).bind::<types::Uuid, _>(tenant).bind::<types::Uuid, _>(media.as_uuid());
        let file: Option<FileRow> = Prepared(file).get_result(self.connection()).await.optional().or_store_error()?;
        let Some(file) = file else { return Ok(AtMeta::Gone) };
        let stored = file.mime_type.as_deref().unwrap_or("application/octet-stream");
        let want = sql(WANT)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Uuid, _>(new.as_uuid())
            .bind::<types::Uuid, _>(account.as_uuid())
            .bind::<types::Binary, _>(file.sha256)
            .bind::<types::Text, _>(kind.into_str())
            .bind::<types::Text, _>(type_for_meta(kind, stored))
            .bind::<types::Text, _>(file.filename)
            .bind::<types::BigInt, _>(file.size)
            .bind::<types::Timestamptz, _>(now - USED_AT_META);
        let row: StateRow = Prepared(want).get_result(self.connection()).await.or_store_error()?;
        Ok(match (row.state.as_str(), row.meta_id) {
            (_, Some(meta_id)) => AtMeta::Uploaded(meta_id),
            ("refused", None) => {
                let forget = sql(FORGET_REFUSAL).bind::<types::Uuid, _>(tenant).bind::<types::Uuid, _>(row.id);
                self.execute(forget).await?;
                AtMeta::Refused
            }
            (_, None) => AtMeta::Wanted(MediaUploadId::from_uuid(row.id)),
        })
    }

    async fn wanted_upload(&mut self, id: MediaUploadId) -> Result<Option<WantedUpload>, StoreError> {
        let statement = sql(WANTED).bind::<types::Uuid, _>(self.tenant_id()).bind::<types::Uuid, _>(id.as_uuid());
        let row: Option<WantedRow> =
            Prepared(statement).get_result(self.connection()).await.optional().or_store_error()?;
        row.map(|row| {
            Ok(WantedUpload {
                account: AccountId::from_uuid(row.account_id),
                sha256: sha256(&row.sha256)?,
                size: size_of(row.size)?,
                kind: closed_set::parse(&row.kind, "media_at_meta.kind")?,
                mime_type: row.mime_type,
                filename: row.filename,
            })
        })
        .transpose()
    }

    async fn media_uploaded(
        &mut self,
        id: MediaUploadId,
        meta_id: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let statement = sql(UPLOADED)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuid, _>(id.as_uuid())
            .bind::<Nullable<types::Text>, _>(meta_id)
            .bind::<types::Timestamptz, _>(now);
        self.execute(statement).await?;
        Ok(())
    }

    async fn forget_media_at_meta(&mut self, sends: &[SendId]) -> Result<(), StoreError> {
        let ids: Vec<Uuid> = sends.iter().map(|id| id.as_uuid()).collect();
        let statement = sql(FORGET).bind::<types::Uuid, _>(self.tenant_id()).bind::<types::Uuids, _>(ids);
        self.execute(statement).await?;
        Ok(())
    }
}
