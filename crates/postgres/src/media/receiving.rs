//! Files that are fetched from Meta.

use std::collections::HashMap;

use channels::{WaitingMedia, WhatsAppAccount};
use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use diesel::{OptionalExtension as _, QueryableByName};
use diesel_async::RunQueryDsl;
use kernel::ids::{AccountId, MediaId, MessageId};
use kernel::{MediaKind, StoreError};
use media::{MediaFailure, MediaState, NewReceived, Received, StoredFile};
use uuid::Uuid;

use crate::closed_set;
use crate::error::OrStoreError;
use crate::sql::{Id, Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// A message may be told again with another file: of history, first without it.
const WITHOUT_MEDIA: &str = "
SELECT m.id AS message_id, m.account_id, m.kind, m.media_id AS meta_id, m.media_mime_type AS mime_type,
       m.media_filename AS filename, m.provider_timestamp AS sent_at
  FROM unnest($2, $3) AS told (account_id, wamid)
  JOIN messages m ON m.tenant_id = $1 AND m.account_id = told.account_id AND m.wamid = told.wamid
  LEFT JOIN message_media l ON l.tenant_id = $1 AND l.message_id = m.id
  LEFT JOIN media f ON f.tenant_id = $1 AND f.id = l.media_id
 WHERE m.media_id IS NOT NULL AND m.revoked_at IS NULL AND m.provider_timestamp > $4
   AND (f.id IS NULL OR f.source = 'received' AND f.meta_id <> m.media_id)
 ORDER BY m.id";

const INSERT: &str = "
WITH new AS (
  SELECT * FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11) AS new
    (id, message_id, account_id, kind, meta_id, mime_type, filename, sent_at, waits_until)
), files AS (
  INSERT INTO media (tenant_id, id, source, state, account_id, kind, meta_id, mime_type, filename, sent_at, waits_until, created_at)
  SELECT $1, id, 'received', 'waiting', account_id, kind, meta_id, mime_type, filename, sent_at, waits_until, $2 FROM new
)
INSERT INTO message_media (tenant_id, message_id, media_id)
SELECT $1, message_id, id FROM new
    ON CONFLICT (tenant_id, message_id) DO UPDATE SET media_id = excluded.media_id";

/// One that no message has any more is about to be deleted.
const WAITING: &str = "
SELECT f.id, f.account_id, f.meta_id, f.kind, f.mime_type, f.failures, f.alike, f.failure, f.waits_until
  FROM media f
 WHERE f.tenant_id = $1 AND f.id = $2 AND f.state = 'waiting'
   AND EXISTS (SELECT FROM message_media l WHERE l.tenant_id = $1 AND l.media_id = f.id)";

const STORED: &str = "
UPDATE media SET state = 'stored', sha256 = $3, mime_type = $4, failure = NULL, failures = 0, alike = 0, ended_at = $5
 WHERE tenant_id = $1 AND id = $2 AND state = 'waiting'";

const FAILED: &str = "
UPDATE media
   SET failures = failures + 1, alike = CASE WHEN failure = $3 THEN alike + 1 ELSE 1 END, failure = $3,
       state = coalesce($4, state), ended_at = CASE WHEN $4 IS NOT NULL THEN $5 END
 WHERE tenant_id = $1 AND id = $2 AND state = 'waiting'";

const WAIT_AGAIN: &str = "
UPDATE media SET state = 'waiting', failures = 0, alike = 0, failure = NULL, ended_at = NULL
 WHERE tenant_id = $1 AND id = $2 AND source = 'received' AND state <> 'stored'";

const WAITING_OF_ACCOUNT: &str = "
SELECT id FROM media WHERE tenant_id = $1 AND account_id = $2 AND state = 'waiting' ORDER BY waits_until DESC LIMIT $3";

#[derive(QueryableByName)]
struct ReceivedRow {
    #[diesel(sql_type = types::Uuid)]
    message_id: Uuid,
    #[diesel(sql_type = types::Uuid)]
    account_id: Uuid,
    #[diesel(sql_type = types::Text)]
    kind: String,
    #[diesel(sql_type = types::Text)]
    meta_id: String,
    #[diesel(sql_type = Nullable<types::Text>)]
    mime_type: Option<String>,
    #[diesel(sql_type = Nullable<types::Text>)]
    filename: Option<String>,
    #[diesel(sql_type = types::Timestamptz)]
    sent_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct WaitingRow {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = types::Uuid)]
    account_id: Uuid,
    #[diesel(sql_type = types::Text)]
    meta_id: String,
    #[diesel(sql_type = types::Text)]
    kind: String,
    #[diesel(sql_type = Nullable<types::Text>)]
    mime_type: Option<String>,
    #[diesel(sql_type = types::Integer)]
    failures: i32,
    #[diesel(sql_type = types::Integer)]
    alike: i32,
    #[diesel(sql_type = Nullable<types::Text>)]
    failure: Option<String>,
    #[diesel(sql_type = types::Timestamptz)]
    waits_until: DateTime<Utc>,
}

/// Row level security limits it to the tenant of the transaction, if it has one.
const WAITING_OF_ACCOUNTS: &str = "
SELECT account_id, count(*) AS files, min(waits_until) AS first_ends_at FROM media
 WHERE account_id = ANY ($1) AND state = 'waiting'
 GROUP BY account_id";

#[derive(QueryableByName)]
struct AccountRow {
    #[diesel(sql_type = types::Uuid)]
    account_id: Uuid,
    #[diesel(embed)]
    waiting: SummaryRow,
}

/// Adds the files that are still at Meta. One statement for all accounts.
pub(crate) async fn add_to_accounts<R: Send>(
    tx: &mut Tx<R>,
    accounts: &mut HashMap<Uuid, &mut WhatsAppAccount>,
) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = accounts.keys().copied().collect();
    let statement = sql(WAITING_OF_ACCOUNTS).bind::<types::Uuids, _>(ids);
    let rows: Vec<AccountRow> = Prepared(statement).load(tx.connection()).await.or_store_error()?;
    for AccountRow { account_id, waiting } in rows {
        if let Some(account) = accounts.get_mut(&account_id) {
            let files = u64::try_from(waiting.files).unwrap_or_default();
            account.waiting_media = WaitingMedia { files, first_ends_at: waiting.first_ends_at };
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct SummaryRow {
    #[diesel(sql_type = types::BigInt)]
    files: i64,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    first_ends_at: Option<DateTime<Utc>>,
}

pub(super) async fn without_media(
    tx: &mut Tx<Tenant>,
    messages: &[(AccountId, String)],
    since: DateTime<Utc>,
) -> Result<Vec<Received>, StoreError> {
    let statement = sql(WITHOUT_MEDIA)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Uuids, _>(messages.iter().map(|(account, _)| account.as_uuid()).collect::<Vec<_>>())
        .bind::<types::Texts, _>(messages.iter().map(|(_, wamid)| wamid.as_str()).collect::<Vec<_>>())
        .bind::<types::Timestamptz, _>(since);
    let rows: Vec<ReceivedRow> = Prepared(statement).load(tx.connection()).await.or_store_error()?;
    let received = |row: ReceivedRow| Received {
        message: MessageId::from_uuid(row.message_id),
        account: AccountId::from_uuid(row.account_id),
        kind: row.kind,
        meta_id: row.meta_id,
        mime_type: row.mime_type,
        filename: row.filename,
        sent_at: row.sent_at,
    };
    Ok(rows.into_iter().map(received).collect())
}

pub(super) async fn insert(tx: &mut Tx<Tenant>, new: &[NewReceived], now: DateTime<Utc>) -> Result<(), StoreError> {
    fn column<'n, T>(new: &'n [NewReceived], read: impl Fn(&'n NewReceived) -> T) -> Vec<T> {
        new.iter().map(read).collect()
    }
    let statement = sql(INSERT)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Timestamptz, _>(now)
        .bind::<types::Uuids, _>(column(new, |it| it.id.as_uuid()))
        .bind::<types::Uuids, _>(column(new, |it| it.received.message.as_uuid()))
        .bind::<types::Uuids, _>(column(new, |it| it.received.account.as_uuid()))
        .bind::<types::Texts, _>(column(new, |it| it.kind.into_str()))
        .bind::<types::Texts, _>(column(new, |it| it.received.meta_id.as_str()))
        .bind::<types::MaybeTexts, _>(column(new, |it| it.received.mime_type.as_deref()))
        .bind::<types::MaybeTexts, _>(column(new, |it| it.received.filename.as_deref()))
        .bind::<types::Times, _>(column(new, |it| it.received.sent_at))
        .bind::<types::Times, _>(column(new, |it| it.waits_until));
    tx.execute(statement).await?;
    Ok(())
}

pub(super) async fn waiting(tx: &mut Tx<Tenant>, id: MediaId) -> Result<Option<media::WaitingMedia>, StoreError> {
    let statement = sql(WAITING).bind::<types::Uuid, _>(tx.tenant_id()).bind::<types::Uuid, _>(id.as_uuid());
    let row: Option<WaitingRow> = Prepared(statement).get_result(tx.connection()).await.optional().or_store_error()?;
    row.map(WaitingRow::into_waiting).transpose()
}

impl WaitingRow {
    fn into_waiting(self) -> Result<media::WaitingMedia, StoreError> {
        Ok(media::WaitingMedia {
            id: MediaId::from_uuid(self.id),
            account: AccountId::from_uuid(self.account_id),
            meta_id: self.meta_id,
            kind: closed_set::parse::<MediaKind>(&self.kind, "media.kind")?,
            mime_type: self.mime_type,
            failures: self.failures,
            alike: self.alike,
            failure: closed_set::parse_optional(self.failure.as_deref(), "media.failure")?,
            waits_until: self.waits_until,
        })
    }
}

pub(super) async fn stored(
    tx: &mut Tx<Tenant>,
    id: MediaId,
    file: StoredFile,
    mime_type: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let statement = sql(STORED)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Uuid, _>(id.as_uuid())
        .bind::<types::Binary, _>(file.sha256.as_bytes().as_slice())
        .bind::<types::Text, _>(mime_type)
        .bind::<types::Timestamptz, _>(now);
    Ok(tx.execute(statement).await? > 0)
}

pub(super) async fn failed(
    tx: &mut Tx<Tenant>,
    id: MediaId,
    failure: MediaFailure,
    end: Option<MediaState>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let statement = sql(FAILED)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Uuid, _>(id.as_uuid())
        .bind::<types::Text, _>(failure.into_str())
        .bind::<Nullable<types::Text>, _>(end.map(<&str>::from))
        .bind::<types::Timestamptz, _>(now);
    tx.execute(statement).await?;
    Ok(())
}

pub(super) async fn wait_again(tx: &mut Tx<Tenant>, id: MediaId) -> Result<bool, StoreError> {
    let statement = sql(WAIT_AGAIN).bind::<types::Uuid, _>(tx.tenant_id()).bind::<types::Uuid, _>(id.as_uuid());
    Ok(tx.execute(statement).await? > 0)
}

pub(super) async fn waiting_of_account(
    tx: &mut Tx<Tenant>,
    account: AccountId,
    limit: i64,
) -> Result<Vec<MediaId>, StoreError> {
    let statement = sql(WAITING_OF_ACCOUNT)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Uuid, _>(account.as_uuid())
        .bind::<types::BigInt, _>(limit);
    let rows: Vec<Id> = Prepared(statement).load(tx.connection()).await.or_store_error()?;
    Ok(rows.into_iter().map(|row| MediaId::from_uuid(row.id)).collect())
}
