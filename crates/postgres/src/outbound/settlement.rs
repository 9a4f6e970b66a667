//! What calls to Meta, and statuses, make of sends.

use chrono::{DateTime, Utc};
use crm::inbox::{AcceptedMessage, SentProof};
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::{AccountId, MessageId, SendId};
use outbound::{AcceptedSend, SettledSend};
use uuid::Uuid;

use crate::closed_set;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// An outcome counts for the attempt that it is of. Acceptance counts more than anything that was concluded without an answer: also
/// if the send waits to be sent again. Everything else counts only while nothing better is known. An attempt that was unclear may
/// have been sent, whatever becomes of the ones after it, until one is known to be accepted.
const SETTLE: &str = "
WITH new AS MATERIALIZED (
  SELECT * FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) AS new
    (id, attempt, state, due_at, was_refused, is_resend, may_have_been_sent, error_code, error_class, error_title, error_advice,
     wamid, ended_at, outcome, http_status, code, title, trace_id)
), attempts AS (
  UPDATE send_attempts a
     SET ended_at = new.ended_at, outcome = new.outcome, http_status = new.http_status, code = new.code, title = new.title,
         trace_id = new.trace_id, wamid = coalesce(new.wamid, a.wamid)
    FROM new WHERE a.tenant_id = $1 AND a.send_id = new.id AND a.number = new.attempt
), settled AS (
  UPDATE sends s
     SET state = new.state, is_due = false, due_at = new.due_at,
         refusals = CASE WHEN new.was_refused THEN s.refusals + 1 ELSE s.refusals END,
         resends = s.resends + new.is_resend::integer,
         ended_at = CASE WHEN new.state <> 'queued' THEN new.ended_at END,
         may_have_been_sent = new.state <> 'accepted' AND (s.may_have_been_sent OR new.may_have_been_sent),
         error_code = new.error_code, error_class = new.error_class, error_title = new.error_title, error_advice = new.error_advice
    FROM new
   WHERE s.tenant_id = $1 AND s.id = new.id AND s.attempts = new.attempt
     AND CASE WHEN new.state = 'accepted' THEN s.state <> 'accepted' AND s.repeated_after < new.attempt
              ELSE s.state IN ('sending', 'unknown') END
  RETURNING s.id, s.message_id, s.kind, s.category, greatest(s.created_at, s.send_at) AS wanted_at, new.state, new.wamid
), named AS (
  UPDATE messages m SET wamid = s.wamid
    FROM settled s
   WHERE m.tenant_id = $1 AND m.id = s.message_id AND s.state = 'accepted' AND s.kind = 'message' AND s.wamid IS NOT NULL
     AND NOT EXISTS (SELECT FROM messages o WHERE o.tenant_id = $1 AND o.account_id = $2 AND o.wamid = s.wamid)
  RETURNING m.id
)
SELECT s.id, s.message_id, s.category, s.wanted_at, s.wamid,
       EXISTS (SELECT FROM message_updates u WHERE u.tenant_id = $1 AND u.account_id = $2 AND u.wamid = s.wamid) AS has_updates
  FROM settled s
 WHERE s.state = 'accepted'";

/// A status proves that Meta accepted the attempt, and names the message. A failure proves only that the attempt which it is of, if
/// it is unclear or under way, was accepted first: it is not sent again then. An attempt before a person repeated the send counts if it was not a failure: the
/// customer has the message.
const SETTLE_BY_STATUS: &str = "
WITH proof AS MATERIALIZED (
  SELECT DISTINCT ON (id) * FROM unnest($2, $3, $4, $5, $6) AS proof (account_id, id, attempt, wamid, is_failure)
   ORDER BY id, is_failure, attempt DESC
), settled AS (
  UPDATE sends s
     SET state = 'accepted', is_due = false, ended_at = $7, may_have_been_sent = false,
         error_code = NULL, error_class = NULL, error_title = NULL, error_advice = NULL
    FROM proof p
   WHERE s.tenant_id = $1 AND s.account_id = p.account_id AND s.id = p.id AND s.state <> 'accepted' AND s.attempts >= p.attempt
     AND (NOT p.is_failure OR s.attempts = p.attempt AND (s.state = 'sending' OR s.may_have_been_sent))
  RETURNING s.id, s.account_id, s.message_id, s.kind, p.wamid
), attempts AS (
  UPDATE send_attempts a SET wamid = p.wamid
    FROM proof p WHERE a.tenant_id = $1 AND a.send_id = p.id AND a.number = p.attempt AND a.wamid IS NULL
), named AS (
  UPDATE messages m SET wamid = s.wamid
    FROM settled s
   WHERE m.tenant_id = $1 AND m.id = s.message_id AND s.kind = 'message' AND m.wamid IS DISTINCT FROM s.wamid
     AND NOT EXISTS (SELECT FROM messages o WHERE o.tenant_id = $1 AND o.account_id = s.account_id AND o.wamid = s.wamid)
)
SELECT s.id, s.message_id, s.category, greatest(s.created_at, s.send_at) AS wanted_at, s.traceparent,
       EXISTS (SELECT FROM settled n WHERE n.id = s.id) AS is_new
  FROM proof p
  JOIN sends s ON s.tenant_id = $1 AND s.id = p.id AND s.account_id = p.account_id";

#[derive(diesel::QueryableByName)]
struct AcceptedRow {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = types::Uuid)]
    message_id: Uuid,
    #[diesel(sql_type = Nullable<types::Text>)]
    category: Option<String>,
    #[diesel(sql_type = types::Timestamptz)]
    wanted_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<types::Text>)]
    wamid: Option<String>,
    #[diesel(sql_type = types::Bool)]
    has_updates: bool,
}

#[derive(diesel::QueryableByName)]
struct NamedRow {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = types::Bool)]
    is_new: bool,
    #[diesel(sql_type = Nullable<types::Text>)]
    traceparent: Option<String>,
    #[diesel(sql_type = types::Uuid)]
    message_id: Uuid,
    #[diesel(sql_type = Nullable<types::Text>)]
    category: Option<String>,
    #[diesel(sql_type = types::Timestamptz)]
    wanted_at: DateTime<Utc>,
}

impl AcceptedRow {
    fn into_accepted(self) -> Result<AcceptedSend, StoreError> {
        Ok(AcceptedSend {
            id: SendId::from_uuid(self.id),
            message: MessageId::from_uuid(self.message_id),
            category: closed_set::parse_optional(self.category.as_deref(), "sends.category")?,
            has_updates: self.has_updates,
            wamid: self.wamid,
            wanted_at: self.wanted_at,
        })
    }
}

pub(super) async fn settle(
    tx: &mut Tx<Tenant>,
    account: AccountId,
    settled: &[SettledSend],
) -> Result<Vec<AcceptedSend>, StoreError> {
    fn column<'s, T>(settled: &'s [SettledSend], read: impl Fn(&'s SettledSend) -> T) -> Vec<T> {
        settled.iter().map(read).collect()
    }
    let statement = sql(SETTLE)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Uuid, _>(account.as_uuid())
        .bind::<types::Uuids, _>(column(settled, |it| it.id.as_uuid()))
        .bind::<types::Integers, _>(column(settled, |it| it.attempt.number))
        .bind::<types::Texts, _>(column(settled, |it| it.state.into_str()))
        .bind::<types::Times, _>(column(settled, |it| it.due_at))
        .bind::<types::Bools, _>(column(settled, |it| it.was_refused))
        .bind::<types::Bools, _>(column(settled, |it| it.is_resend))
        .bind::<types::Bools, _>(column(settled, |it| it.may_have_been_sent))
        .bind::<types::MaybeBigInts, _>(column(settled, |it| it.error.as_ref().and_then(|error| error.code)))
        .bind::<types::MaybeTexts, _>(column(settled, |it| it.error.as_ref().map(|error| error.class.as_str())))
        .bind::<types::MaybeTexts, _>(column(settled, |it| it.error.as_ref().map(|error| error.title.as_str())))
        .bind::<types::MaybeTexts, _>(column(settled, |it| it.error.as_ref().map(|error| error.advice.as_str())))
        .bind::<types::MaybeTexts, _>(column(settled, |it| it.wamid.as_deref()))
        .bind::<types::MaybeTimes, _>(column(settled, |it| it.attempt.ended_at))
        .bind::<types::MaybeTexts, _>(column(settled, |it| it.attempt.outcome.map(<&str>::from)))
        .bind::<types::MaybeIntegers, _>(column(settled, |it| it.attempt.http_status))
        .bind::<types::MaybeBigInts, _>(column(settled, |it| it.attempt.code))
        .bind::<types::MaybeTexts, _>(column(settled, |it| it.attempt.title.as_deref()))
        .bind::<types::MaybeTexts, _>(column(settled, |it| it.attempt.trace_id.as_deref()));
    let rows: Vec<AcceptedRow> = Prepared(statement).load(tx.connection()).await.or_store_error()?;
    rows.into_iter().map(AcceptedRow::into_accepted).collect()
}

pub(crate) async fn settle_by_status(
    tx: &mut Tx<Tenant>,
    proofs: &[SentProof],
    now: DateTime<Utc>,
) -> Result<Vec<AcceptedMessage>, StoreError> {
    let statement = sql(SETTLE_BY_STATUS)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Uuids, _>(proofs.iter().map(|proof| proof.message.0.as_uuid()).collect::<Vec<_>>())
        .bind::<types::Uuids, _>(proofs.iter().map(|proof| proof.send.as_uuid()).collect::<Vec<_>>())
        .bind::<types::Integers, _>(proofs.iter().map(|proof| proof.attempt).collect::<Vec<_>>())
        .bind::<types::Texts, _>(proofs.iter().map(|proof| proof.message.1.as_str()).collect::<Vec<_>>())
        .bind::<types::Bools, _>(proofs.iter().map(|proof| proof.is_failure).collect::<Vec<_>>())
        .bind::<types::Timestamptz, _>(now);
    let rows: Vec<NamedRow> = Prepared(statement).load(tx.connection()).await.or_store_error()?;
    let accepted = |row: NamedRow| {
        Ok(AcceptedMessage {
            send: SendId::from_uuid(row.id),
            id: MessageId::from_uuid(row.message_id),
            is_new: row.is_new,
            wanted_at: row.wanted_at,
            trace: row.traceparent.and_then(|text| text.parse().ok()),
            category: closed_set::parse_optional(row.category.as_deref(), "sends.category")?,
        })
    };
    rows.into_iter().map(accepted).collect()
}
