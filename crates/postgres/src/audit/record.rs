use async_trait::async_trait;
use audit::{AuditRepo, PlatformAuditRepo, Record};
use diesel::ExpressionMethods;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use serde_json::Value;

use crate::error::OrStoreError;
use crate::schema::{audit_records, platform_audit_records};
use crate::transaction::{Platform, Tenant, Tx};

/// The columns that both logs have.
macro_rules! columns {
    ($table:ident, $record:expr) => {{
        let Record { id, occurred_at, actor, origin, action, target, outcome, changes } = $record;
        (
            $table::id.eq(id.as_uuid()),
            $table::occurred_at.eq(occurred_at),
            $table::actor_kind.eq(actor.kind()),
            $table::actor_id.eq(actor.id()),
            $table::address.eq(origin.address.map(|address| address.to_string())),
            $table::request_id.eq(&origin.request_id),
            $table::action.eq(action.key()),
            $table::target_kind.eq(target.as_ref().map(|target| target.kind)),
            $table::target_id.eq(target.as_ref().map(|target| target.id.as_str())),
            $table::outcome.eq(outcome.key()),
            $table::changes.eq(Value::Object(changes.clone())),
        )
    }};
}

#[async_trait]
impl AuditRepo for Tx<Tenant> {
    async fn append_audit_record(&mut self, record: &Record) -> Result<(), StoreError> {
        diesel::insert_into(audit_records::table)
            .values((audit_records::tenant_id.eq(self.tenant_id()), columns!(audit_records, record)))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }
}

#[async_trait]
impl PlatformAuditRepo for Tx<Platform> {
    async fn append_platform_audit_record(&mut self, record: &Record) -> Result<(), StoreError> {
        diesel::insert_into(platform_audit_records::table)
            .values(columns!(platform_audit_records, record))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }
}
