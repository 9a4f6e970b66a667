//! Rules for all tables, checked in the database catalogue: a table that a later migration forgets to protect fails
//! here.

use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::kit::database;

/// Unique indexes that do not start with the tenant, each with its reason.
const UNIQUE_ACROSS_TENANTS: [(&str, &str); 9] = [
    ("invoices_id_key", "operators name an invoice by its id; the server generates ids"),
    ("meta_apps_key_key", "Meta's callback names only the app; the server generates random keys"),
    ("tenants_pkey", "the tenant itself"),
    ("tenants_slug_key", "slugs name tenants"),
    ("webhook_attempts_pkey", "as webhook_events"),
    ("webhook_events_pkey", "unroutable events have no tenant; the server generates ids"),
    ("webhook_events_app_id_dedupe_key_key", "one event per Meta app, regardless of tenant"),
    ("webhook_outbox_pkey", "as webhook_events"),
    ("webhook_payloads_pkey", "as webhook_events"),
];
/// Also unique across tenants: one tenant receives a number's messages. Not in the list above because the index is
/// partial.
const ACTIVE_NUMBER: &str = "whatsapp_accounts_active_number_key";

/// Tables without a tenant, each with its reason.
const WITHOUT_TENANT: [(&str, &str); 13] = [
    ("__diesel_schema_migrations", "Diesel's own"),
    ("login_tallies", "attempts, also at unknown tenants; keys are HMACs"),
    ("operator_idempotency_keys", "the operators'"),
    ("permissions", "the permission catalogue, the same for all"),
    ("plans", "the plan catalogue, the same for all"),
    ("platform_audit_records", "the operators'"),
    ("platform_audit_seals", "the operators'"),
    ("platform_audit_summaries", "the operators'"),
    ("platform_audit_unsealed", "the operators'"),
    ("provisioning_keys", "the operators'"),
    ("senders", "the running senders, which work for all tenants"),
    ("signing_keys", "the deployment's"),
    ("tenants", "its id is the tenant"),
];

/// Tables read by event id alone, after the event was found by its tenant.
const BY_EVENT_ONLY: [&str; 2] = ["webhook_attempts", "webhook_payloads"];

/// Tables whose tenant may be null.
const TENANT_MAY_BE_NULL: [&str; 3] = ["webhook_events", "webhook_outbox", "webhook_payloads"];

#[derive(diesel::QueryableByName)]
struct Finding {
    #[diesel(sql_type = diesel::sql_types::Text)]
    finding: String,
}

async fn find(connection: &mut AsyncPgConnection, query: &str) -> Vec<String> {
    let rows: Vec<Finding> = diesel::sql_query(query).load(connection).await.expect("the catalogue can be read");
    rows.into_iter().map(|row| row.finding).collect()
}

async fn findings(query: &str) -> Vec<String> {
    find(&mut database::shared().await.admin().await, query).await
}

const TENANT_TABLES: &str = "
  SELECT c.oid, c.relname FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
   WHERE c.relkind IN ('r', 'p')";

#[tokio::test(flavor = "multi_thread")]
async fn tables_force_row_level_security_unless_listed() {
    let open = findings(
        "SELECT c.relname::text AS finding FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
          ORDER BY 1",
    )
    .await;
    assert_eq!(open, ["__diesel_schema_migrations", "permissions", "plans"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_tables_have_standard_policy() {
    let standard = "(tenant_id = ( SELECT app.tenant() AS tenant))";
    let without = findings(&format!(
        "SELECT t.relname::text AS finding FROM ({TENANT_TABLES}) t
          WHERE NOT EXISTS (SELECT FROM pg_policies p
                 WHERE p.tablename = t.relname AND p.policyname = 'tenant_isolation' AND p.cmd = 'ALL'
                   AND p.roles = '{{parley_app}}' AND p.qual = '{standard}' AND p.with_check = '{standard}')"
    ))
    .await;
    assert!(without.is_empty(), "without the standard policy: {without:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_policy_widens_application_access() {
    let odd = findings(
        "SELECT concat_ws(' ', tablename, policyname, qual) AS finding FROM pg_policies
          WHERE schemaname = 'public'
            AND CASE roles::text
                  WHEN '{parley_app}' THEN policyname <> 'tenant_isolation' OR qual NOT LIKE '%app.tenant()%' OR with_check NOT LIKE '%app.tenant()%'
                  WHEN '{parley_platform}' THEN policyname <> 'platform_access'
                  WHEN '{parley_owner}' THEN policyname <> 'owner_maintenance'
                  ELSE true END",
    )
    .await;
    // An operator's change to a tenant is in both logs in one transaction; the platform role may only insert into them.
    assert_eq!(odd, ["platform_audit_records written_by_tenants"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn platform_role_reads_only_listed_tables() {
    let seen = findings(
        "SELECT DISTINCT table_name::text AS finding FROM information_schema.role_table_grants
          WHERE table_schema = 'public' AND grantee = 'parley_platform'
          UNION SELECT tablename::text FROM pg_policies WHERE roles::text LIKE '%parley_platform%' ORDER BY 1",
    )
    .await;
    let listed = [
        "__diesel_schema_migrations",
        // Not its secrets.
        "account_credentials",
        "audit_unsealed",
        "erased_identities",
        // Not what went wrong.
        "jobs",
        "login_tallies",
        // Where they are and since when, not what is in them.
        "media",
        "media_deletions",
        "media_objects",
        "media_unlinked",
        "meta_apps",
        "operator_idempotency_keys",
        "plans",
        "platform_audit_records",
        "platform_audit_seals",
        "platform_audit_summaries",
        "platform_audit_unsealed",
        "provisioning_keys",
        "sender_leases",
        "senders",
        "sending_pauses",
        // When something is due, not what.
        "sends",
        "signing_keys",
        "tenants",
        "unusable_events",
        "webhook_attempts",
        "webhook_events",
        "webhook_outbox",
        "webhook_payloads",
        "whatsapp_accounts",
    ];
    assert_eq!(seen, listed);
}

#[tokio::test(flavor = "multi_thread")]
async fn platform_role_reads_no_secret_of_an_account() {
    let seen = findings(
        "SELECT a.attname::text AS finding FROM pg_attribute a
          WHERE a.attrelid = 'account_credentials'::regclass AND a.attnum > 0
            AND has_column_privilege('parley_platform', a.attrelid, a.attnum, 'SELECT') AND a.attname LIKE '%\\_sealed'
          UNION SELECT 'INSERT, UPDATE or DELETE' WHERE has_any_column_privilege('parley_platform', 'account_credentials', 'INSERT, UPDATE')
             OR has_table_privilege('parley_platform', 'account_credentials', 'DELETE')",
    )
    .await;
    assert!(seen.is_empty(), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn platform_role_reads_nothing_of_what_is_sent() {
    let seen = findings(
        "SELECT concat_ws('.', a.attrelid::regclass, a.attname) AS finding FROM pg_attribute a
          WHERE a.attrelid IN ('sends'::regclass, 'sending_pauses'::regclass) AND a.attnum > 0 AND NOT a.attisdropped
            AND has_column_privilege('parley_platform', a.attrelid, a.attnum, 'SELECT')
          ORDER BY 1",
    )
    .await;
    let listed = [
        "sending_pauses.account_id",
        "sending_pauses.advice",
        "sending_pauses.reason",
        "sending_pauses.scope",
        "sending_pauses.sends",
        "sending_pauses.started_at",
        "sending_pauses.tenant_id",
        "sending_pauses.until",
        "sends.account_id",
        "sends.dismissed_at",
        "sends.due_at",
        "sends.ended_at",
        "sends.is_due",
        "sends.send_before",
        "sends.state",
        "sends.tenant_id",
    ];
    assert_eq!(seen, listed);
}

#[tokio::test(flavor = "multi_thread")]
async fn security_definer_functions_and_callers_are_listed() {
    let definers = findings(
        "SELECT concat_ws(' ', p.proname, r.rolname) AS finding FROM pg_proc p
           JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname IN ('app', 'public')
           LEFT JOIN pg_roles r ON r.rolname LIKE 'parley\\_%' AND r.oid <> p.proowner
                AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
          WHERE p.prosecdef ORDER BY 1",
    )
    .await;
    assert_eq!(
        definers,
        [
            "contacts_with_number_end parley_app",
            "contacts_with_words parley_app",
            "find_operator_response parley_app",
            "messages_with_words parley_app",
            "number_is_active parley_app",
            "purge_api_keys parley_platform",
            "purge_audit_records parley_platform",
            "purge_idempotency_keys parley_platform",
            "purge_sending_pauses parley_platform",
            "purge_sends parley_platform",
            "purge_sessions parley_platform",
            "purge_usage_contacts parley_platform",
            "queue_for_sealing",
            "signing_key_is_active parley_app",
            "signing_key_is_usable parley_app",
            "store_operator_response parley_app",
            "tenant_of parley_app",
            "tenant_of_invoice parley_platform",
            "tenants_to_bill parley_platform",
            "tenants_with_contact_jobs parley_platform",
            "tenants_with_old_audit_records parley_platform",
            "tenants_with_old_content parley_platform",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_of_schema_app_have_files() {
    let without = findings(
        "SELECT p.proname::text AS finding FROM pg_proc p
          WHERE p.pronamespace = 'app'::regnamespace
            AND NOT EXISTS (SELECT FROM app.applied_functions a WHERE a.name = p.proname)",
    )
    .await;
    assert!(without.is_empty(), "without a file in crates/postgres/functions: {without:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_keys_between_tenant_tables_include_tenant() {
    let without = findings(&format!(
        "SELECT con.conname::text AS finding FROM pg_constraint con
          WHERE con.contype = 'f'
            AND con.conrelid IN (SELECT oid FROM ({TENANT_TABLES}) t) AND con.confrelid IN (SELECT oid FROM ({TENANT_TABLES}) t)
            AND NOT EXISTS (SELECT FROM unnest(con.conkey) k JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = k
                             WHERE a.attname = 'tenant_id')"
    ))
    .await;
    assert!(without.is_empty(), "{without:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn set_null_foreign_keys_keep_tenant() {
    let clearing = findings(
        "SELECT con.conname::text AS finding FROM pg_constraint con
           JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attname = 'tenant_id'
          WHERE con.contype = 'f' AND con.confdeltype IN ('n', 'd')
            AND (con.confdelsetcols IS NULL OR a.attnum = ANY (con.confdelsetcols))",
    )
    .await;
    assert!(clearing.is_empty(), "{clearing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_tables_have_tenant_index_unless_listed() {
    let without = findings(&format!(
        "SELECT t.relname::text AS finding FROM ({TENANT_TABLES}) t
          WHERE NOT EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                             WHERE i.indrelid = t.oid AND a.attname = 'tenant_id')
          ORDER BY 1"
    ))
    .await;
    assert_eq!(without, BY_EVENT_ONLY);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_column_type_prevents_index_use_under_rls() {
    // The comparison operators of these types are not leakproof: behind a policy they filter rows and never use an
    // index.
    let slow = findings(
        "SELECT concat_ws('.', c.relname, a.attname) AS finding FROM pg_attribute a
           JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
           JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
           JOIN pg_type t ON t.oid = a.atttypid
          WHERE a.attnum > 0 AND NOT a.attisdropped AND (t.typtype = 'e' OR t.typname = 'numeric')",
    )
    .await;
    assert!(slow.is_empty(), "{slow:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unique_indexes_start_with_tenant_unless_listed() {
    let mut allowed: Vec<&str> = UNIQUE_ACROSS_TENANTS.iter().map(|(name, _)| *name).collect();
    allowed.push(ACTIVE_NUMBER);
    allowed.sort_unstable();
    let without = findings(&format!(
        "SELECT i.indexrelid::regclass::text AS finding FROM pg_index i
          WHERE i.indisunique
            AND (i.indrelid = 'tenants'::regclass OR i.indrelid IN (SELECT oid FROM ({TENANT_TABLES}) t))
            AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[0] AND a.attname = 'tenant_id')
          ORDER BY 1"
    ))
    .await;
    assert_eq!(without, allowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_without_tenant_are_listed() {
    let without = findings(&format!(
        "SELECT c.relname::text AS finding FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'm') AND c.oid NOT IN (SELECT oid FROM ({TENANT_TABLES}) t)
          ORDER BY 1"
    ))
    .await;
    assert_eq!(without, WITHOUT_TENANT.map(|(name, _)| name));
}

#[tokio::test(flavor = "multi_thread")]
async fn nullable_tenant_columns_are_listed() {
    let nullable = findings(
        "SELECT a.attrelid::regclass::text AS finding FROM pg_attribute a
           JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
           JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
          WHERE a.attname = 'tenant_id' AND NOT a.attnotnull ORDER BY 1",
    )
    .await;
    assert_eq!(nullable, TENANT_MAY_BE_NULL);
}

#[tokio::test(flavor = "multi_thread")]
async fn views_run_as_caller_and_none_is_materialized() {
    let views = findings(
        "SELECT c.relname::text AS finding FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE n.nspname IN ('public', 'app')
            AND (c.relkind = 'm' OR (c.relkind = 'v' AND NOT coalesce(c.reloptions::text[] && ARRAY['security_invoker=true'], false)))",
    )
    .await;
    assert!(views.is_empty(), "{views:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn application_role_cannot_truncate_reference_or_trigger() {
    let granted = findings(
        "SELECT concat_ws(' ', grantee, privilege_type, table_name) AS finding FROM information_schema.role_table_grants
          WHERE table_schema = 'public' AND grantee IN ('parley_app', 'parley_platform', 'PUBLIC')
            AND privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')",
    )
    .await;
    assert!(granted.is_empty(), "{granted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_fix_search_path_and_definers_are_not_public() {
    let loose = findings(
        "SELECT p.proname::text AS finding FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
          WHERE n.nspname IN ('app', 'public')
            AND (NOT coalesce(p.proconfig && ARRAY['search_path=pg_catalog, pg_temp'], false)
                 OR (p.prosecdef AND has_function_privilege('public', p.oid, 'EXECUTE')))",
    )
    .await;
    // Created by Diesel, unused here.
    assert_eq!(loose.into_iter().filter(|name| !name.starts_with("diesel_")).collect::<Vec<_>>(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn application_roles_cannot_create_temporary_objects() {
    let allowed = findings(
        "SELECT rolname::text AS finding FROM pg_roles
          WHERE rolname IN ('parley_app', 'parley_platform') AND has_database_privilege(oid, current_database(), 'TEMPORARY')",
    )
    .await;
    assert!(allowed.is_empty(), "{allowed:?}");
}

/// Foreign keys without an index. Their rows are never deleted: the catalogues of permissions and plans.
const WITHOUT_INDEX: [&str; 3] =
    ["role_permissions_permission_fkey", "subscriptions_next_plan_code_fkey", "subscriptions_plan_code_fkey"];

#[tokio::test(flavor = "multi_thread")]
async fn foreign_keys_have_an_index_unless_listed() {
    let without = findings(
        "SELECT con.conname::text AS finding FROM pg_constraint con
          WHERE con.contype = 'f'
            AND NOT EXISTS (
                SELECT FROM pg_index i
                 WHERE i.indrelid = con.conrelid AND i.indisvalid
                   AND (SELECT array_agg(k ORDER BY k) FROM unnest((i.indkey::int2[])[0:cardinality(con.conkey) - 1]) k)
                       = (SELECT array_agg(k ORDER BY k) FROM unnest(con.conkey) k))
          ORDER BY 1",
    )
    .await;
    assert_eq!(without, WITHOUT_INDEX);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_survive_a_crash_of_the_server() {
    let unlogged =
        findings("SELECT relname::text AS finding FROM pg_class WHERE relkind = 'r' AND relpersistence <> 'p'").await;
    assert!(unlogged.is_empty(), "{unlogged:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn permission_table_equals_code() {
    let stored = findings("SELECT key AS finding FROM permissions ORDER BY key").await;
    let mut known: Vec<String> = kernel::Permission::ALL.iter().map(ToString::to_string).collect();
    known.sort_unstable();
    assert_eq!(stored, known);
}

#[tokio::test(flavor = "multi_thread")]
async fn handbook_says_what_bounds_each_table() {
    let tables = findings(
        "SELECT c.relname::text AS finding FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY 1",
    )
    .await;
    let page = include_str!("../../crates/http/handbook/storage.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let mut listed: Vec<&str> = rows
        .map(|(table, rest)| {
            let columns: Vec<&str> = rest.trim_end_matches(" |").split(" | ").collect();
            assert!(columns.len() == 2 && columns.iter().all(|text| !text.is_empty()), "{table}: {columns:?}");
            table
        })
        .collect();
    listed.sort_unstable();
    assert_eq!(tables, listed);
}
