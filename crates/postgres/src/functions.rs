//! The SQL functions of the schema `app`: their current text, and whether a database has it.
//!
//! Each file of `functions/` creates one function of its name and grants its privileges. [`apply`] runs the files that differ,
//! after the migrations. `app.applied_functions` records each text that was applied.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection, TransactionManager};

use crate::sql::{Exists, Prepared, sql, types};

/// A function and the file that creates it.
struct Function {
    name: &'static str,
    source: &'static str,
}

/// A function whose definition differs from that of this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// This build's text was never applied: the database is older than this build.
    NeverApplied,
    /// It was applied, and the function was changed since: by another build, or by hand.
    ChangedSince,
}

/// All functions, in the order in which they are created: one in SQL is checked against those that it calls.
const FUNCTIONS: [Function; 45] = [
    Function { name: "begin_tenant", source: include_str!("../functions/begin_tenant.sql") },
    Function { name: "tenant", source: include_str!("../functions/tenant.sql") },
    Function { name: "folded", source: include_str!("../functions/folded.sql") },
    Function { name: "word_list", source: include_str!("../functions/word_list.sql") },
    Function { name: "word_prefix", source: include_str!("../functions/word_prefix.sql") },
    Function { name: "words_of_tenant", source: include_str!("../functions/words_of_tenant.sql") },
    Function { name: "words_query", source: include_str!("../functions/words_query.sql") },
    Function { name: "api_key_access", source: include_str!("../functions/api_key_access.sql") },
    Function { name: "pause_stops", source: include_str!("../functions/pause_stops.sql") },
    Function { name: "contacts_with_number_end", source: include_str!("../functions/contacts_with_number_end.sql") },
    Function { name: "contacts_with_words", source: include_str!("../functions/contacts_with_words.sql") },
    Function { name: "find_operator_response", source: include_str!("../functions/find_operator_response.sql") },
    Function { name: "fold", source: include_str!("../functions/fold.sql") },
    Function { name: "identity_hash", source: include_str!("../functions/identity_hash.sql") },
    Function { name: "login_lookup", source: include_str!("../functions/login_lookup.sql") },
    Function { name: "messages_with_words", source: include_str!("../functions/messages_with_words.sql") },
    Function { name: "note_activation", source: include_str!("../functions/note_activation.sql") },
    Function { name: "note_unlinked_media", source: include_str!("../functions/note_unlinked_media.sql") },
    Function { name: "number_is_active", source: include_str!("../functions/number_is_active.sql") },
    Function { name: "open_to_platform", source: include_str!("../functions/open_to_platform.sql") },
    Function { name: "preview", source: include_str!("../functions/preview.sql") },
    Function { name: "protect_tenant_table", source: include_str!("../functions/protect_tenant_table.sql") },
    Function { name: "purge_api_keys", source: include_str!("../functions/purge_api_keys.sql") },
    Function { name: "purge_audit_records", source: include_str!("../functions/purge_audit_records.sql") },
    Function { name: "purge_idempotency_keys", source: include_str!("../functions/purge_idempotency_keys.sql") },
    Function { name: "purge_sending_pauses", source: include_str!("../functions/purge_sending_pauses.sql") },
    Function { name: "purge_sends", source: include_str!("../functions/purge_sends.sql") },
    Function { name: "purge_sessions", source: include_str!("../functions/purge_sessions.sql") },
    Function { name: "purge_usage_contacts", source: include_str!("../functions/purge_usage_contacts.sql") },
    Function { name: "queue_for_sealing", source: include_str!("../functions/queue_for_sealing.sql") },
    Function { name: "record_api_key_use", source: include_str!("../functions/record_api_key_use.sql") },
    Function { name: "refuse_change", source: include_str!("../functions/refuse_change.sql") },
    Function { name: "session_access", source: include_str!("../functions/session_access.sql") },
    Function { name: "signing_key_is_active", source: include_str!("../functions/signing_key_is_active.sql") },
    Function { name: "signing_key_is_usable", source: include_str!("../functions/signing_key_is_usable.sql") },
    Function { name: "start_session", source: include_str!("../functions/start_session.sql") },
    Function { name: "start_session_with_mac", source: include_str!("../functions/start_session_with_mac.sql") },
    Function { name: "store_operator_response", source: include_str!("../functions/store_operator_response.sql") },
    Function { name: "tenant_of", source: include_str!("../functions/tenant_of.sql") },
    Function { name: "tenant_of_invoice", source: include_str!("../functions/tenant_of_invoice.sql") },
    Function { name: "tenants_to_bill", source: include_str!("../functions/tenants_to_bill.sql") },
    Function { name: "tenants_with_contact_jobs", source: include_str!("../functions/tenants_with_contact_jobs.sql") },
    Function { name: "tenants_with_old_content", source: include_str!("../functions/tenants_with_old_content.sql") },
    Function {
        name: "tenants_with_old_audit_records",
        source: include_str!("../functions/tenants_with_old_audit_records.sql"),
    },
    Function { name: "words", source: include_str!("../functions/words.sql") },
];

const DIFFERENCES: &str = "
SELECT f.name, a.name IS NOT NULL AS applied
  FROM unnest($1, $2) AS f (name, source_hash)
  LEFT JOIN app.applied_functions a ON a.name = f.name AND a.source_hash = f.source_hash
  LEFT JOIN pg_proc p ON p.pronamespace = 'app'::regnamespace AND p.proname = f.name
 WHERE a.name IS NULL OR a.definition_hash
       IS DISTINCT FROM encode(sha256(convert_to(pg_get_functiondef(p.oid) || coalesce(p.proacl::text, ''), 'UTF8')), 'hex')
 ORDER BY f.name";

/// Fails on overloads: a row cannot be updated twice.
const RECORD: &str = "
INSERT INTO app.applied_functions (name, source_hash, definition_hash, applied_at)
SELECT p.proname, $2,
       encode(sha256(convert_to(pg_get_functiondef(p.oid) || coalesce(p.proacl::text, ''), 'UTF8')), 'hex'), $3
  FROM pg_proc p WHERE p.pronamespace = 'app'::regnamespace AND p.proname = $1
ON CONFLICT (name, source_hash) DO UPDATE SET definition_hash = excluded.definition_hash, applied_at = excluded.applied_at";

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = types::Text)]
    name: String,
    #[diesel(sql_type = types::Bool)]
    applied: bool,
}

impl Function {
    fn source_hash(&self) -> String {
        hex::encode(ring::digest::digest(&ring::digest::SHA256, self.source.as_bytes()))
    }
}

/// The functions whose definition in the database is not the one that this build's text creates, by name. Those of a database
/// without `app.applied_functions`, where migrations are pending, are not reported.
pub(crate) async fn differences(connection: &mut AsyncPgConnection) -> QueryResult<Vec<(String, Difference)>> {
    let table: Exists = Prepared(sql("SELECT to_regclass('app.applied_functions') IS NOT NULL AS exists"))
        .get_result(connection)
        .await?;
    if !table.exists {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
    let hashes: Vec<String> = FUNCTIONS.iter().map(Function::source_hash).collect();
    let statement = sql(DIFFERENCES).bind::<types::Texts, _>(names).bind::<types::Texts, _>(hashes);
    let rows: Vec<Row> = Prepared(statement).load(connection).await?;
    let difference =
        |row: Row| (row.name, if row.applied { Difference::ChangedSince } else { Difference::NeverApplied });
    Ok(rows.into_iter().map(difference).collect())
}

/// Applies the functions that differ, in one transaction, and returns their names.
///
/// # Errors
/// Errors of the database; the transaction is rolled back.
pub(crate) async fn apply(owner: &mut AsyncPgConnection, now: DateTime<Utc>) -> QueryResult<Vec<String>> {
    AnsiTransactionManager::begin_transaction(owner).await?;
    match apply_all(owner, now).await {
        Ok(applied) => {
            AnsiTransactionManager::commit_transaction(owner).await?;
            Ok(applied)
        }
        Err(error) => {
            // Report the first error, not one of the rollback.
            let _ = AnsiTransactionManager::rollback_transaction(owner).await;
            Err(error)
        }
    }
}

async fn apply_all(owner: &mut AsyncPgConnection, now: DateTime<Utc>) -> QueryResult<Vec<String>> {
    let differing: Vec<String> = differences(owner).await?.into_iter().map(|(name, _)| name).collect();
    for function in FUNCTIONS.iter().filter(|function| differing.iter().any(|name| name == function.name)) {
        owner.batch_execute(function.source).await?;
        let recorded = sql(RECORD)
            .bind::<types::Text, _>(function.name)
            .bind::<types::Text, _>(function.source_hash())
            .bind::<types::Timestamptz, _>(now)
            .execute(owner)
            .await?;
        if recorded != 1 {
            return Err(diesel::result::Error::NotFound);
        }
    }
    Ok(differing)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn list_has_each_file_of_the_directory() {
        let files: BTreeSet<String> = std::fs::read_dir("functions")
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let listed: BTreeSet<String> = FUNCTIONS.iter().map(|function| format!("{}.sql", function.name)).collect();
        assert_eq!(listed, files);
    }

    #[test]
    fn each_file_replaces_the_function_of_its_name() {
        for Function { name, source } in FUNCTIONS {
            let create = format!("CREATE OR REPLACE FUNCTION app.{name}(");
            assert_eq!(source.matches("CREATE OR REPLACE FUNCTION").count(), 1, "{name}");
            assert!(source.contains(&create), "{name}");
            assert!(source.contains("SET search_path = pg_catalog, pg_temp"), "{name}");
        }
    }
}
