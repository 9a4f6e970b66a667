use std::sync::LazyLock;

use audit::Log;

use super::row::RECORD_COLUMNS;
use crate::transaction::{Platform, Tenant};

/// The statements on the chain of a log. `$1` is the tenant, and null for the operators' log, whose tables have no such column.
#[derive(Debug)]
pub(crate) struct ChainSql {
    pub(super) last_seal: String,
    pub(super) unsealed: String,
    pub(super) unsealable: String,
    pub(super) insert: String,
    pub(super) seals: String,
    pub(super) records: String,
    pub(super) summary: String,
    pub(super) count_unsealed: String,
    pub(super) unsequenced: String,
}

/// The scope of a transaction on a log.
pub(crate) trait LogScope: Send {
    fn log(&self) -> Log;
    fn chain_sql() -> &'static ChainSql;
}

impl LogScope for Tenant {
    fn log(&self) -> Log {
        Log::Tenant(self.id())
    }

    fn chain_sql() -> &'static ChainSql {
        static SQL: LazyLock<ChainSql> =
            LazyLock::new(|| ChainSql::new("", |alias| format!("{alias}tenant_id = $1"), ("tenant_id, ", "$1, ")));
        &SQL
    }
}

impl LogScope for Platform {
    fn log(&self) -> Log {
        Log::Platform
    }

    fn chain_sql() -> &'static ChainSql {
        static SQL: LazyLock<ChainSql> =
            LazyLock::new(|| ChainSql::new("platform_", |_| "$1::uuid IS NULL".to_owned(), ("", "")));
        &SQL
    }
}

const SEAL_COLUMNS: &str = "sequence, record_id, key_id, hash, sealed_at, provenance";
const SUMMARY_COLUMNS: &str = "sequence, hash, records, unsigned, forged, first_at, last_at, mac_key_id, mac";

impl ChainSql {
    /// `own` is the condition on the rows of a table with an alias. `tenant` are the column of the tenant and its value.
    fn new(prefix: &str, own: impl Fn(&str) -> String, tenant: (&str, &str)) -> Self {
        let (records, seals, waiting) =
            (format!("{prefix}audit_records"), format!("{prefix}audit_seals"), format!("{prefix}audit_unsealed"));
        let (of_log, of_record, of_seal, of_waiting) = (own(""), own("r."), own("s."), own("u."));
        let (tenant_column, tenant_value) = tenant;
        Self {
            last_seal: format!("SELECT {SEAL_COLUMNS} FROM {seals} WHERE {of_log} ORDER BY sequence DESC LIMIT 1"),
            // Starts from the few unsealed ids. Without MATERIALIZED and LATERAL the planner may scan all records of the tenant in
            // the requested order and check each for a seal.
            unsealed: format!(
                "WITH unsealed AS MATERIALIZED (SELECT record_id FROM {waiting} WHERE {of_log}) \
                 SELECT NULL::bigint AS sequence, {RECORD_COLUMNS}, r.mac_key_id, r.mac FROM unsealed u \
                  CROSS JOIN LATERAL (SELECT * FROM {records} WHERE {of_log} AND id = u.record_id OFFSET 0) r \
                  WHERE r.mac_key_id IS NULL OR r.mac_key_id = ANY ($2) \
                  ORDER BY r.occurred_at, r.id LIMIT $3"
            ),
            unsealable: format!(
                "WITH unsealed AS MATERIALIZED (SELECT record_id FROM {waiting} WHERE {of_log}) \
                 SELECT u.record_id, r.mac_key_id FROM unsealed u \
                   LEFT JOIN LATERAL (SELECT id, mac_key_id FROM {records} WHERE {of_log} AND id = u.record_id OFFSET 0) r \
                     ON true \
                  WHERE r.id IS NULL OR r.mac_key_id <> ALL ($2) \
                  ORDER BY u.record_id LIMIT $3"
            ),
            insert: format!(
                "WITH seals AS ( \
                   INSERT INTO {seals} ({tenant_column}{SEAL_COLUMNS}) \
                   SELECT {tenant_value}{SEAL_COLUMNS} \
                     FROM unnest($2, $3, $4, $5, $6, $7) AS input ({SEAL_COLUMNS}) \
                 ) \
                 DELETE FROM {waiting} WHERE {of_log} AND record_id = ANY ($3)"
            ),
            seals: format!(
                "SELECT {SEAL_COLUMNS} FROM {seals} WHERE {of_log} AND sequence > $2 ORDER BY sequence LIMIT $3"
            ),
            records: format!(
                "SELECT NULL::bigint AS sequence, {RECORD_COLUMNS} FROM {records} r WHERE {of_record} AND r.id = ANY ($2)"
            ),
            summary: format!("SELECT {SUMMARY_COLUMNS} FROM {prefix}audit_summaries WHERE {of_log}"),
            count_unsealed: format!("SELECT count(*) AS count FROM {waiting} WHERE {of_log}"),
            unsequenced: format!(
                "SELECT r.id FROM {records} r \
                  WHERE {of_record} \
                    AND NOT EXISTS (SELECT FROM {seals} s WHERE {of_seal} AND s.record_id = r.id) \
                    AND NOT EXISTS (SELECT FROM {waiting} u WHERE {of_waiting} AND u.record_id = r.id) \
                  ORDER BY r.id LIMIT $2"
            ),
        }
    }
}
