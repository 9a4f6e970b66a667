use std::sync::LazyLock;

use async_trait::async_trait;
use channels::{AccountHealthRepo, AccountHealthUpdate};
use chrono::{DateTime, SecondsFormat, Utc};
use diesel::sql_types::{Jsonb, Nullable};
use kernel::StoreError;
use kernel::ids::AccountId;
use serde_json::{Value, json};
use uuid::Uuid;
use whatsapp::{Connection, EventKind};

use crate::sql::{sql, types};
use crate::transaction::{Tenant, Tx};

/// Selects the affected accounts: those of the reporting account's app and of the WhatsApp Business Account that have the reported
/// number. If no account has it, the only account there is affected, unless another number is known for that.
const AFFECTED: &str = "
WITH candidates AS (
  SELECT a.id, a.phone_number_id, regexp_replace(a.display_phone_number, '\\D', '', 'g') AS digits
    FROM whatsapp_accounts a
    JOIN whatsapp_accounts reporting ON reporting.tenant_id = $1 AND reporting.id = $2 AND reporting.app_id = a.app_id
   WHERE a.tenant_id = $1 AND a.waba_id = $3 AND a.status <> 'pending'
), named AS (
  SELECT id FROM candidates WHERE digits = $4 OR phone_number_id = $5
), affected AS (
  SELECT id FROM candidates
   WHERE id IN (SELECT id FROM named)
      OR (NOT EXISTS (SELECT FROM named)
          AND ($4 IS NULL OR (coalesce(digits, '') = '' AND (SELECT count(*) FROM candidates) = 1)))
)
";

static RECORD_HEALTH: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{AFFECTED}
     UPDATE whatsapp_accounts a
        SET health = a.health || jsonb_build_object($6, $7), updated_at = $8
       FROM affected
      WHERE a.tenant_id = $1 AND a.id = affected.id
        AND coalesce((a.health -> $6 ->> 'at')::timestamptz <= $9, true)"
    )
});

/// Whether an account `a` can be connected again: no other account has its number, and its app was not deleted.
const CAN_BE_ACTIVE: &str = "
NOT app.number_is_active(a.app_id, a.phone_number_id)
AND NOT EXISTS (
  SELECT FROM whatsapp_accounts own
   WHERE own.tenant_id = $1 AND own.app_id = a.app_id AND own.phone_number_id = a.phone_number_id AND own.status <> 'disconnected')
AND (a.app_id = 'deployment' OR EXISTS (SELECT FROM meta_apps m WHERE m.tenant_id = $1 AND m.key = a.app_id))";

static RESTORE_DELIVERING: LazyLock<String> = LazyLock::new(|| {
    format!(
        "UPDATE whatsapp_accounts a
            SET status = 'active', disconnected_by = NULL, disconnected_at = NULL, updated_at = $4,
                health = a.health || jsonb_build_object('connection', jsonb_build_object(
                  'at', to_char(received.at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), 'detail', 'restored by a delivery'))
           FROM unnest($2, $3) AS received (account_id, at)
          WHERE a.tenant_id = $1 AND a.id = received.account_id AND a.disconnected_by = 'meta'
            AND coalesce(a.disconnected_at < received.at, true) AND {CAN_BE_ACTIVE}"
    )
});

/// Reconnects an account that Meta restores, unless another account has the number meanwhile, or its app was deleted.
static RECORD_CONNECTION: LazyLock<String> = LazyLock::new(|| {
    format!("{AFFECTED}
     , restored AS (
       SELECT DISTINCT ON (a.app_id, a.phone_number_id) a.id FROM whatsapp_accounts a JOIN affected ON affected.id = a.id
        WHERE a.tenant_id = $1 AND $9 AND a.disconnected_by = 'meta'
          AND {CAN_BE_ACTIVE}
        ORDER BY a.app_id, a.phone_number_id, a.created_at DESC, a.id
     ), lost AS (
       SELECT a.id FROM whatsapp_accounts a JOIN affected ON affected.id = a.id
        WHERE a.tenant_id = $1 AND NOT $9 AND a.status = 'active'
          AND NOT EXISTS (SELECT FROM webhook_events later
                           WHERE later.tenant_id = $1 AND later.received_at > $10 AND later.account_id = a.id AND later.kind = ANY ($11))
     )
     UPDATE whatsapp_accounts a
        SET health = a.health || jsonb_build_object('connection', $6),
            status = CASE WHEN a.id IN (SELECT id FROM restored) THEN 'active'
                          WHEN a.id IN (SELECT id FROM lost) THEN 'disconnected'
                          ELSE a.status END,
            disconnected_by = CASE WHEN a.id IN (SELECT id FROM restored) THEN NULL
                                   WHEN a.id IN (SELECT id FROM lost) THEN 'meta'
                                   ELSE a.disconnected_by END,
            disconnected_at = CASE WHEN a.id IN (SELECT id FROM restored) THEN NULL
                                   WHEN a.id IN (SELECT id FROM lost) THEN $10
                                   ELSE a.disconnected_at END,
            updated_at = $7
       FROM affected
      WHERE a.tenant_id = $1 AND a.id = affected.id
        AND coalesce((a.health -> 'connection' ->> 'at')::timestamptz <= $8, true)")
});

#[async_trait]
impl AccountHealthRepo for Tx<Tenant> {
    async fn record_health(&mut self, report: &AccountHealthUpdate, now: DateTime<Utc>) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        let update = &report.update;
        let bind = |statement: &'static str| {
            sql(statement)
                .bind::<types::Uuid, _>(tenant)
                .bind::<types::Uuid, _>(report.account.as_uuid())
                .bind::<types::Text, _>(report.waba_id.clone())
                .bind::<Nullable<types::Text>, _>(update.display_phone_number.clone())
                .bind::<Nullable<types::Text>, _>(update.entity_id.clone())
        };
        let statement = bind(&RECORD_HEALTH)
            .bind::<types::Text, _>(update.topic.key())
            .bind::<Jsonb, _>(entry(report, &readable(&update.detail)))
            .bind::<types::Timestamptz, _>(now)
            .bind::<types::Timestamptz, _>(report.reported_at);
        self.execute(statement).await?;
        if let Some(connection) = update.connection {
            let word = match connection {
                Connection::Lost => "lost",
                Connection::Restored => "restored",
            };
            let statement = bind(&RECORD_CONNECTION)
                .bind::<Jsonb, _>(entry(report, &json!(word)))
                .bind::<types::Timestamptz, _>(now)
                .bind::<types::Timestamptz, _>(report.reported_at)
                .bind::<types::Bool, _>(connection == Connection::Restored)
                .bind::<types::Timestamptz, _>(report.received_at)
                .bind::<types::Texts, _>(EventKind::OF_NUMBERS.as_slice());
            self.execute(statement).await?;
        }
        Ok(())
    }

    async fn restore_delivering_accounts(
        &mut self,
        received: &[(AccountId, DateTime<Utc>)],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (accounts, times): (Vec<Uuid>, Vec<DateTime<Utc>>) =
            received.iter().map(|(account, at)| (account.as_uuid(), *at)).unzip();
        let statement = sql(&RESTORE_DELIVERING)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuids, _>(accounts)
            .bind::<types::Times, _>(times)
            .bind::<types::Timestamptz, _>(now);
        self.execute(statement).await?;
        Ok(())
    }
}

fn entry(report: &AccountHealthUpdate, detail: &Value) -> Value {
    json!({ "at": report.reported_at.to_rfc3339_opts(SecondsFormat::Secs, true), "detail": detail })
}

/// Parses JSON. If it has characters that Postgres rejects (NUL, half of a surrogate pair), it is kept as text.
fn readable(detail: &str) -> Value {
    let value = serde_json::from_str(detail).ok().filter(|_| !detail.contains("\\u0000"));
    value.unwrap_or_else(|| Value::String(detail.replace('\0', "\u{fffd}")))
}
