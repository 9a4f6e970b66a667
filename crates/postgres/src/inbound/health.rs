use std::sync::LazyLock;

use async_trait::async_trait;
use channels::{AccountHealthRepo, AccountHealthUpdate};
use chrono::{DateTime, SecondsFormat, Utc};
use diesel::sql_types::{Jsonb, Nullable};
use kernel::StoreError;
use serde_json::{Value, json};
use whatsapp::Connection;

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

/// Reconnects an account that Meta restores, unless another account has the number meanwhile, or its app was deleted.
static RECORD_CONNECTION: LazyLock<String> = LazyLock::new(|| {
    format!("{AFFECTED}
     , restored AS (
       SELECT DISTINCT ON (a.app_id, a.phone_number_id) a.id FROM whatsapp_accounts a JOIN affected ON affected.id = a.id
        WHERE a.tenant_id = $1 AND $9 AND a.disconnected_by = 'meta'
          AND NOT app.number_is_active(a.app_id, a.phone_number_id)
          AND NOT EXISTS (
            SELECT FROM whatsapp_accounts own
             WHERE own.tenant_id = $1 AND own.app_id = a.app_id AND own.phone_number_id = a.phone_number_id
               AND own.status <> 'disconnected')
          AND (a.app_id = 'deployment' OR EXISTS (SELECT FROM meta_apps m WHERE m.tenant_id = $1 AND m.key = a.app_id))
        ORDER BY a.app_id, a.phone_number_id, a.created_at DESC, a.id
     )
     UPDATE whatsapp_accounts a
        SET health = a.health || jsonb_build_object('connection', $6),
            status = CASE WHEN a.id IN (SELECT id FROM restored) THEN 'active'
                          WHEN NOT $9 AND a.status = 'active' THEN 'disconnected'
                          ELSE a.status END,
            disconnected_by = CASE WHEN a.id IN (SELECT id FROM restored) THEN NULL
                                   WHEN NOT $9 AND a.status = 'active' THEN 'meta'
                                   ELSE a.disconnected_by END,
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
                .bind::<types::Bool, _>(connection == Connection::Restored);
            self.execute(statement).await?;
        }
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
