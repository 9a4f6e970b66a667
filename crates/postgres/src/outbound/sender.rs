use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::{AccountId, MessageId, SendId, SenderId};
use outbound::{
    AcceptedSend, AccountState, AttemptRef, Candidate, Decided, DepartureFacts, InterruptedSend, Reason, SenderRepo,
    SendingPause, SettledSend,
};
use uuid::Uuid;

use super::{pauses, settlement};
use crate::closed_set;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// The lease is locked: another sender can take it only after this transaction. `promoted` is not read by the rest of the
/// statement, but by the next one.
const LOCK_LEASE: &str = "
WITH lease AS MATERIALIZED (
  SELECT account_id FROM sender_leases
   WHERE tenant_id = $1 AND account_id = $2 AND holder = $3 AND ends_at > statement_timestamp() + $8
     FOR SHARE
), promoted AS (
  UPDATE sends SET is_due = true
   WHERE tenant_id = $1 AND account_id = $2 AND state = 'queued' AND NOT is_due AND due_at <= $4
     AND send_before > $4 AND EXISTS (SELECT FROM lease)
), expired AS (
  UPDATE sends SET state = 'expired', is_due = false, ended_at = $4, error_class = coalesce(error_class, $5),
         error_title = coalesce(error_title, $6), error_advice = coalesce(error_advice, $7)
   WHERE tenant_id = $1 AND account_id = $2 AND state = 'queued' AND send_before <= $4
     AND EXISTS (SELECT FROM lease)
)
SELECT a.phone_number_id, a.throughput::integer AS throughput, s.access_token_set_at AS token_set_at,
       (SELECT min(due_at) FROM sends
         WHERE tenant_id = $1 AND account_id = $2 AND state = 'queued' AND NOT is_due AND due_at > $4) AS next_due
  FROM lease
  JOIN whatsapp_accounts a ON a.tenant_id = $1 AND a.id = lease.account_id
  LEFT JOIN account_credentials s ON s.tenant_id = $1 AND s.account_id = a.id";

/// The next sends in the order in which they leave. What is earlier in the same conversation, and is not scheduled for later, must
/// have left before.
const CANDIDATES: &str = "
WITH picked AS MATERIALIZED (
  SELECT s.* FROM sends s
   WHERE s.tenant_id = $1 AND s.account_id = $2 AND s.state = 'queued' AND s.is_due
     AND NOT EXISTS (
       SELECT FROM sends e
        WHERE e.tenant_id = $1 AND e.conversation_id = s.conversation_id AND e.state IN ('queued', 'sending')
          AND (e.state = 'sending' OR e.position < s.position AND coalesce(e.send_at <= $3, true)))
   ORDER BY s.priority, s.position
   LIMIT $4
)
SELECT s.id, s.kind, s.message_id, s.conversation_id::text AS conversation, s.template, s.recipient, s.body, s.send_before, s.free_form, s.attempts, s.refusals, s.resends,
       s.on_unknown, s.created_at, s.traceparent,
       c.service_window_ends_at, s.category IS NOT DISTINCT FROM 'marketing' AS is_marketing,
       k.marketing_consent = 'withdrawn' AS opted_out,
       s.cancel_if_customer_writes AND EXISTS (
         SELECT FROM messages m
          WHERE m.tenant_id = $1 AND m.conversation_id = s.conversation_id AND m.direction = 'inbound'
            AND m.created_at > s.created_at) AS customer_has_written,
       a.status = 'active' AS is_connected, t.status = 'active' AS is_active,
       (SELECT m.status FROM templates m
         WHERE m.tenant_id = $1 AND m.waba_id = a.waba_id AND m.name = split_part(s.template, '/', 1)
           AND m.language = split_part(s.template, '/', 2)
         LIMIT 1) AS template_status,
       (SELECT max(coalesce(p.until, $3 + interval '1 minute')) FROM sending_pauses p
         WHERE p.tenant_id = $1 AND p.account_id = $2 AND (p.until IS NULL OR p.until > $3)
           AND (p.scope IN ('number', 'business_account', 'token')
                OR p.scope IN ('pair', 'recipient') AND p.subject = s.recipient
                OR p.scope = 'conversation' AND p.subject = s.conversation_id::text
                OR p.scope = 'template' AND p.subject = s.template)
           AND app.pause_stops(p.sends, s.free_form, s.category, c.service_window_ends_at > $3)) AS paused_until
  FROM picked s
  JOIN conversations c ON c.tenant_id = $1 AND c.id = s.conversation_id
  JOIN contacts k ON k.tenant_id = $1 AND k.id = c.contact_id
  JOIN whatsapp_accounts a ON a.tenant_id = $1 AND a.id = s.account_id
  JOIN tenants t ON t.id = $1
 ORDER BY s.priority, s.position";

/// A send that a person canceled meanwhile is no longer queued, and stays as it is. What an earlier attempt left unclear stays so.
const BEGIN: &str = "
WITH leaving AS (
  UPDATE sends SET state = 'sending', attempts = attempts + 1, started_at = $4, holder = $3, ended_at = NULL,
         error_code = NULL, error_class = NULL, error_title = NULL, error_advice = NULL
   WHERE tenant_id = $1 AND id = ANY ($2) AND state = 'queued'
  RETURNING id, attempts
)
INSERT INTO send_attempts (tenant_id, send_id, number, started_at)
SELECT $1, id, attempts, $4 FROM leaving
RETURNING send_id, number";

/// With all that follows in the conversation: it could not leave either, and is not looked at in vain.
const POSTPONE: &str = "
UPDATE sends s SET is_due = false, due_at = w.until
  FROM unnest($2, $3) AS w (id, until)
  JOIN sends head ON head.tenant_id = $1 AND head.id = w.id
 WHERE s.tenant_id = $1 AND s.conversation_id = head.conversation_id AND s.state = 'queued' AND s.is_due";

const END: &str = "
UPDATE sends s
   SET state = e.state, ended_at = $2, is_due = false, error_code = NULL, error_class = e.class, error_title = e.title,
       error_advice = e.advice
  FROM unnest($3, $4, $5, $6, $7) AS e (id, state, class, title, advice)
 WHERE s.tenant_id = $1 AND s.id = e.id AND s.state = 'queued'";

const INTERRUPTED: &str = "
SELECT id, attempts, started_at, on_unknown, resends, kind FROM sends
 WHERE tenant_id = $1 AND account_id = $2 AND state = 'sending' AND id <> ALL ($3)
 ORDER BY position
   FOR UPDATE SKIP LOCKED";

#[derive(diesel::QueryableByName)]
struct StateRow {
    #[diesel(sql_type = types::Text)]
    phone_number_id: String,
    #[diesel(sql_type = types::Integer)]
    throughput: i32,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    token_set_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    next_due: Option<DateTime<Utc>>,
}

#[derive(diesel::QueryableByName)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column")]
struct CandidateRow {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = types::Text)]
    kind: String,
    #[diesel(sql_type = types::Uuid)]
    message_id: Uuid,
    #[diesel(sql_type = types::Text)]
    conversation: String,
    #[diesel(sql_type = Nullable<types::Text>)]
    template: Option<String>,
    #[diesel(sql_type = types::Text)]
    recipient: String,
    #[diesel(sql_type = types::Text)]
    body: String,
    #[diesel(sql_type = types::Timestamptz)]
    send_before: DateTime<Utc>,
    #[diesel(sql_type = types::Bool)]
    free_form: bool,
    #[diesel(sql_type = types::Integer)]
    attempts: i32,
    #[diesel(sql_type = types::Integer)]
    refusals: i32,
    #[diesel(sql_type = types::Integer)]
    resends: i32,
    #[diesel(sql_type = types::Text)]
    on_unknown: String,
    #[diesel(sql_type = types::Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<types::Text>)]
    traceparent: Option<String>,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    service_window_ends_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = types::Bool)]
    is_marketing: bool,
    #[diesel(sql_type = types::Bool)]
    opted_out: bool,
    #[diesel(sql_type = types::Bool)]
    customer_has_written: bool,
    #[diesel(sql_type = types::Bool)]
    is_connected: bool,
    #[diesel(sql_type = types::Bool)]
    is_active: bool,
    #[diesel(sql_type = Nullable<types::Text>)]
    template_status: Option<String>,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    paused_until: Option<DateTime<Utc>>,
}

#[derive(diesel::QueryableByName)]
struct AttemptRow {
    #[diesel(sql_type = types::Uuid)]
    send_id: Uuid,
    #[diesel(sql_type = types::Integer)]
    number: i32,
}

#[derive(diesel::QueryableByName)]
struct InterruptedRow {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = types::Integer)]
    attempts: i32,
    #[diesel(sql_type = types::Timestamptz)]
    started_at: DateTime<Utc>,
    #[diesel(sql_type = types::Text)]
    on_unknown: String,
    #[diesel(sql_type = types::Integer)]
    resends: i32,
    #[diesel(sql_type = types::Text)]
    kind: String,
}

impl CandidateRow {
    fn into_candidate(self) -> Result<Candidate, StoreError> {
        Ok(Candidate {
            id: SendId::from_uuid(self.id),
            kind: closed_set::parse(&self.kind, "sends.kind")?,
            message: MessageId::from_uuid(self.message_id),
            conversation: self.conversation,
            template: self.template,
            recipient: self.recipient,
            body: self.body,
            facts: DepartureFacts {
                send_before: self.send_before,
                is_free_form: self.free_form,
                service_window_ends_at: self.service_window_ends_at,
                is_marketing: self.is_marketing,
                opted_out: self.opted_out,
                customer_has_written: self.customer_has_written,
                is_connected: self.is_connected,
                is_active: self.is_active,
                template: closed_set::parse_optional(self.template_status.as_deref(), "templates.status")?,
            },
            attempts: self.attempts,
            refusals: self.refusals,
            resends: self.resends,
            on_unknown: closed_set::parse(&self.on_unknown, "sends.on_unknown")?,
            paused_until: self.paused_until,
            created_at: self.created_at,
            has_files: false,
            trace: self.traceparent.as_deref().and_then(|text| text.parse().ok()),
        })
    }
}

#[async_trait]
impl SenderRepo for Tx<Tenant> {
    async fn lock_lease(
        &mut self,
        account: AccountId,
        holder: SenderId,
        margin: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Option<AccountState>, StoreError> {
        let statement = sql(LOCK_LEASE)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuid, _>(account.as_uuid())
            .bind::<types::Uuid, _>(holder.as_uuid())
            .bind::<types::Timestamptz, _>(now)
            .bind::<types::Text, _>(Reason::TooLate.class())
            .bind::<types::Text, _>(Reason::TooLate.title())
            .bind::<types::Text, _>(Reason::TooLate.advice())
            .bind::<types::Interval, _>(margin);
        let rows: Vec<StateRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let pauses = pauses::active(self, account, now).await?;
        Ok(Some(AccountState {
            phone_number_id: row.phone_number_id,
            throughput: u32::try_from(row.throughput).unwrap_or(1),
            pause: pauses.into_iter().find(SendingPause::stops_account),
            token_set_at: row.token_set_at,
            next_due: row.next_due,
        }))
    }

    async fn candidates(
        &mut self,
        account: AccountId,
        now: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<Candidate>, StoreError> {
        let statement = sql(CANDIDATES)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuid, _>(account.as_uuid())
            .bind::<types::Timestamptz, _>(now)
            .bind::<types::BigInt, _>(limit);
        let rows: Vec<CandidateRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        rows.into_iter().map(CandidateRow::into_candidate).collect()
    }

    async fn store_decisions(
        &mut self,
        _account: AccountId,
        holder: SenderId,
        decided: &Decided,
        now: DateTime<Utc>,
    ) -> Result<Vec<AttemptRef>, StoreError> {
        let tenant = self.tenant_id();
        if !decided.waiting.is_empty() {
            let (ids, times): (Vec<Uuid>, Vec<_>) =
                decided.waiting.iter().map(|(id, until)| (id.as_uuid(), *until)).unzip();
            let statement = sql(POSTPONE)
                .bind::<types::Uuid, _>(tenant)
                .bind::<types::Uuids, _>(ids)
                .bind::<types::Times, _>(times);
            self.execute(statement).await?;
        }
        if !decided.ended.is_empty() {
            let ended = &decided.ended;
            let statement = sql(END)
                .bind::<types::Uuid, _>(tenant)
                .bind::<types::Timestamptz, _>(now)
                .bind::<types::Uuids, _>(ended.iter().map(|(id, ..)| id.as_uuid()).collect::<Vec<_>>())
                .bind::<types::Texts, _>(ended.iter().map(|(_, state, _)| state.into_str()).collect::<Vec<_>>())
                .bind::<types::Texts, _>(ended.iter().map(|(.., reason)| reason.class()).collect::<Vec<_>>())
                .bind::<types::Texts, _>(ended.iter().map(|(.., reason)| reason.title()).collect::<Vec<_>>())
                .bind::<types::Texts, _>(ended.iter().map(|(.., reason)| reason.advice()).collect::<Vec<_>>());
            self.execute(statement).await?;
        }
        if decided.leaving.is_empty() {
            return Ok(Vec::new());
        }
        let statement = sql(BEGIN)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Uuids, _>(decided.leaving.iter().map(|id| id.as_uuid()).collect::<Vec<_>>())
            .bind::<types::Uuid, _>(holder.as_uuid())
            .bind::<types::Timestamptz, _>(now);
        let rows: Vec<AttemptRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        let begun = |row: AttemptRow| AttemptRef { send: SendId::from_uuid(row.send_id), attempt: row.number };
        Ok(rows.into_iter().map(begun).collect())
    }

    async fn settle_sends(
        &mut self,
        account: AccountId,
        settled: &[SettledSend],
    ) -> Result<Vec<AcceptedSend>, StoreError> {
        settlement::settle(self, account, settled).await
    }

    async fn interrupted_sends(
        &mut self,
        account: AccountId,
        under_way: &[SendId],
    ) -> Result<Vec<InterruptedSend>, StoreError> {
        let statement = sql(INTERRUPTED)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuid, _>(account.as_uuid())
            .bind::<types::Uuids, _>(under_way.iter().map(|id| id.as_uuid()).collect::<Vec<_>>());
        let rows: Vec<InterruptedRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        let interrupted = |row: InterruptedRow| {
            Ok(InterruptedSend {
                id: SendId::from_uuid(row.id),
                attempt: row.attempts,
                started_at: row.started_at,
                on_unknown: closed_set::parse(&row.on_unknown, "sends.on_unknown")?,
                resends: row.resends,
                kind: closed_set::parse(&row.kind, "sends.kind")?,
            })
        };
        rows.into_iter().map(interrupted).collect()
    }
}
