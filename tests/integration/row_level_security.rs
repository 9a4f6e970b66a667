//! Each table, accessed as another tenant and without a tenant: reads return no rows, writes change none.

use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use kernel::{Clock, SystemClock};
use uuid::Uuid;

use crate::kit::database::{self, TestDatabase, count};

/// A row in every tenant table, inserted by the owner, whose policy allows it. `$T` is the tenant, `$A`.. are new ids.
const ROWS: &str = "
INSERT INTO tenants (id, slug, name, created_at) VALUES ('$T', 't-$S', 'T', now());
INSERT INTO users (tenant_id, id, email, email_norm, name, password_hash, self_registered, created_at)
  VALUES ('$T', '$A', 'a@x.example', 'a@x.example', '', '', false, now());
INSERT INTO roles (tenant_id, id, key, name, system, created_at) VALUES ('$T', '$B', 'owner', 'Owner', true, now());
INSERT INTO role_permissions (tenant_id, role_id, permission) VALUES ('$T', '$B', 'crm:read');
INSERT INTO memberships (tenant_id, user_id, role_id, created_at) VALUES ('$T', '$A', '$B', now());
INSERT INTO sessions (tenant_id, id, user_id, created_at, last_seen_at, idle_expires_at, expires_at)
  VALUES ('$T', '$C', '$A', now(), now(), now(), now());
INSERT INTO refresh_tokens (tenant_id, token_hash, session_id, created_at)
  VALUES ('$T', decode(md5('$T') || md5('$C'), 'hex'), '$C', now());
INSERT INTO idempotency_keys (tenant_id, user_id, route, key, fingerprint, fingerprint_key, status, body, created_at)
  VALUES ('$T', '$A', 'POST /', 'k', decode(md5('$T') || md5('$A'), 'hex'), 'kek', 201, '{}', now());
INSERT INTO refresh_overlaps (tenant_id, token_hash, session_id)
  VALUES ('$T', decode(md5('$T') || md5('$C'), 'hex'), '$C');
INSERT INTO whatsapp_accounts (tenant_id, id, app_id, phone_number_id, waba_id, status, created_at, updated_at)
  VALUES ('$T', '$D', 'deployment', '$S', '1', 'active', now(), now());
INSERT INTO account_credentials (tenant_id, account_id, access_token_sealed, access_token_sealed_with, access_token_set_at,
    updated_at)
  VALUES ('$T', '$D', '', 'kek', now(), now());
INSERT INTO templates (tenant_id, id, waba_id, meta_id, name, language, category, status, quality, format, components, synced_at,
    created_at)
  VALUES ('$T', '$A', '1', '1', 'a', 'de', 'utility', 'approved', 'green', 'positional', '[]', now(), now());
INSERT INTO template_syncs (tenant_id, waba_id) VALUES ('$T', '1');
-- Dead, so that no runner takes it.
INSERT INTO jobs (tenant_id, id, kind, subject, state, due_at, created_at)
  VALUES ('$T', '$A', 'template_sync', '1', 'dead', now(), now());
INSERT INTO media_objects (tenant_id, sha256, size, reserved_at) VALUES ('$T', sha256(''), 0, now());
INSERT INTO media_deletions (tenant_id, sha256, requested_at) VALUES ('$T', sha256(''), 'infinity');
INSERT INTO media (tenant_id, id, source, state, sha256, created_at)
  VALUES ('$T', '$A', 'uploaded', 'stored', sha256(''), now());
INSERT INTO media_at_meta (tenant_id, id, account_id, sha256, kind, mime_type, filename, size, state)
  VALUES ('$T', '$A', '$D', sha256(''), 'image', 'image/png', 'a.png', 1, 'wanted');
INSERT INTO media_unlinked (tenant_id, media_id) VALUES ('$T', '$A');
INSERT INTO meta_apps (tenant_id, id, key, app_id, app_secret_sealed, app_secret_sealed_with, verify_token_sealed,
    verify_token_sealed_with, created_at, updated_at)
  VALUES ('$T', '$J', md5('$T') || left(md5('$J'), 8), '1', '', 'kek', '', 'kek', now(), now());
INSERT INTO unusable_events (tenant_id, app_id, day, events, bytes, dropped) VALUES ('$T', 'key', '2100-01-01', 1, 1, 0);
INSERT INTO webhook_events (id, tenant_id, account_id, app_id, kind, dedupe_key, status, received_at)
  VALUES ('$E', '$T', '$D', 'deployment', 'message', '$E', 'received', now());
INSERT INTO webhook_payloads (event_id, tenant_id, body) VALUES ('$E', '$T', '');
INSERT INTO webhook_outbox (event_id, tenant_id, not_before) VALUES ('$E', '$T', 'infinity');
INSERT INTO webhook_attempts (event_id, tenant_id, replay_seq, attempt, failed_at, error_class, error)
  VALUES ('$E', '$T', 0, 1, now(), 'transient', '');
INSERT INTO audit_records (tenant_id, id, occurred_at, actor_kind, action, outcome, changes)
  VALUES ('$T', '$A', now(), 'user', 'x', 'done', '{}');
INSERT INTO audit_unsealed (tenant_id, record_id) VALUES ('$T', '$A');
INSERT INTO audit_seals (tenant_id, sequence, record_id, key_id, hash, sealed_at)
  VALUES ('$T', 1, '$A', 'kek', decode(md5('$T') || md5('$A'), 'hex'), now());
INSERT INTO audit_summaries (tenant_id, sequence, hash, records, unsigned, forged, first_at, last_at, mac_key_id, mac)
  VALUES ('$T', 1, sha256(''), 1, 0, 0, now(), now(), 'kek', sha256(''));
INSERT INTO contacts (tenant_id, id, display_name, created_at, updated_at) VALUES ('$T', '$F', 'C', now(), now());
INSERT INTO contact_identities (tenant_id, kind, scope, value, contact_id, created_at, since)
  VALUES ('$T', 'phone', '', '1', '$F', now(), now());
INSERT INTO erased_identities (tenant_id, hash, erased_at) VALUES ('$T', app.identity_hash('$T', 'phone', '', '1'), now());
INSERT INTO contact_jobs (tenant_id, contact_id, kind, searched_time, searched_event, created_at)
  VALUES ('$T', '$A', 'erasure', now(), '$A', now());
INSERT INTO api_keys (tenant_id, id, name, permissions, networks, secret_hash, created_at, expires_at)
  VALUES ('$T', '$A', 'Shop', '{crm:read}', '{}', sha256('1'), now(), now());
INSERT INTO refold_jobs (tenant_id) VALUES ('$T');
INSERT INTO contact_merges (tenant_id, contact_id, into_id, merged_at) VALUES ('$T', '$A', '$F', now());
INSERT INTO identity_changes (tenant_id, fingerprint, text, changed_at, created_at) VALUES ('$T', '1', '', now(), now());
INSERT INTO identity_change_keys (tenant_id, fingerprint, side, kind, scope, value)
  VALUES ('$T', '1', 'before', 'phone', '', '1');
INSERT INTO identity_sightings (tenant_id, scope, bsuid, phone, seen_at, created_at)
  VALUES ('$T', '1', 'US.1', '1', now(), now());
INSERT INTO service_windows (tenant_id, account_id, contact_id, ends_at) VALUES ('$T', '$D', '$F', now());
INSERT INTO message_updates (tenant_id, account_id, wamid, kind, key, occurred_at, created_at)
  VALUES ('$T', '$D', 'wamid', 'revocation', '1', now(), now());
INSERT INTO conversations (tenant_id, id, account_id, contact_id, last_message_at, created_at)
  VALUES ('$T', '$G', '$D', '$F', now(), now());
INSERT INTO messages (tenant_id, id, conversation_id, contact_id, account_id, wamid, direction, kind, text, payload, provider_timestamp, created_at)
  VALUES ('$T', '$H', '$G', '$F', '$D', 'wamid', 'inbound', 'text', '', '{}', now(), now());
INSERT INTO message_media (tenant_id, message_id, media_id) VALUES ('$T', '$H', '$A');
INSERT INTO sends (tenant_id, id, account_id, conversation_id, kind, message_id, state, priority, position, is_due, due_at, send_before,
    on_unknown, free_form, recipient, content, body, sender_kind, ended_at, created_at)
  VALUES ('$T', '$K', '$D', '$G', 'message', '$H', 'accepted', 0, 1, false, now(), now(), 'hold', true, '', '', '{}', 'user', now(), now());
INSERT INTO send_attempts (tenant_id, send_id, number, started_at) VALUES ('$T', '$K', 1, now());
INSERT INTO usage_sent (tenant_id, day, category, slot, messages) VALUES ('$T', '2100-01-01', 'service', 0, 1);
INSERT INTO sender_leases (tenant_id, account_id, holder, ends_at) VALUES ('$T', '$D', '$A', now());
INSERT INTO sending_pauses (tenant_id, account_id, scope, subject, sends, class, reason, advice, started_at, until)
  VALUES ('$T', '$D', 'number', '', 'all', 'throttle', '', '', now(), now());
INSERT INTO interactions (tenant_id, id, contact_id, kind, text, occurred_at, created_at)
  VALUES ('$T', '$I', '$F', 'inbound_message', '', now(), now());
INSERT INTO subscriptions (tenant_id, plan_code, plan_name, currency, monthly_price_minor, included_messages,
    message_price_minor, status, anchor, period_start, period_end, created_at, updated_at)
  VALUES ('$T', 'trial', 'Trial', 'EUR', 0, 1, 0, 'trialing', '2100-01-01', '2100-01-01', '2100-02-01', now(), now());
INSERT INTO usage_days (tenant_id, day, slot, inbound_messages, active_contacts) VALUES ('$T', '2100-01-01', 0, 1, 1);
INSERT INTO usage_contacts (tenant_id, day, contact_id) VALUES ('$T', '2100-01-01', '$F');
INSERT INTO invoices (tenant_id, id, number, plan_code, period_start, period_end, currency, total_minor, status, closed_at,
    due_at)
  VALUES ('$T', '$A', 1, 'trial', '2099-12-01', '2100-01-01', 'EUR', 0, 'open', now(), 'infinity');
INSERT INTO invoice_lines (tenant_id, invoice_id, position, description, quantity, unit_price_minor, amount_minor)
  VALUES ('$T', '$A', 1, '', 0, 0, 0);
";

async fn insert_tenant(database: &TestDatabase) -> Uuid {
    let clock = SystemClock::new();
    let tenant = clock.new_id();
    let mut statements = ROWS.replace("$T", &tenant.to_string());
    for name in ["$A", "$B", "$C", "$D", "$E", "$F", "$G", "$H", "$I", "$J", "$K"] {
        statements = statements.replace(name, &clock.new_id().to_string());
    }
    statements = statements.replace("$S", &tenant.as_u128().rem_euclid(1 << 40).to_string());
    database
        .admin()
        .await
        .batch_execute(&format!("SET ROLE parley_owner; {statements}"))
        .await
        .expect("the rows are inserted");
    tenant
}

/// Tables with a tenant, and the column that holds it.
async fn tenant_tables(database: &TestDatabase) -> Vec<(String, &'static str)> {
    #[derive(diesel::QueryableByName)]
    struct Table {
        #[diesel(sql_type = diesel::sql_types::Text)]
        name: String,
    }
    let tables: Vec<Table> = diesel::sql_query(
        "SELECT c.relname::text AS name FROM pg_class c
           JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
          WHERE c.relkind = 'r' ORDER BY 1",
    )
    .load(&mut database.admin().await)
    .await
    .expect("the catalogue is readable");
    tables.into_iter().map(|table| (table.name, "tenant_id")).chain([("tenants".to_owned(), "id")]).collect()
}

async fn enter(connection: &mut AsyncPgConnection, tenant: Option<Uuid>) {
    let set = tenant
        .map_or_else(String::new, |tenant| format!("SELECT set_config('app.current_tenant_id', '{tenant}', true);"));
    connection.batch_execute(&format!("BEGIN; {set}")).await.expect("a transaction begins");
}

/// The number of rows that a statement changed; 0 for a refusal.
async fn touched(connection: &mut AsyncPgConnection, statement: &str) -> usize {
    connection.batch_execute("SAVEPOINT attempt").await.expect("a savepoint can be set");
    match diesel::sql_query(statement).execute(connection).await {
        Ok(rows) => rows,
        Err(error) => {
            let refused = ["permission denied", "row-level security"];
            assert!(refused.iter().any(|text| error.to_string().contains(text)), "{statement}: {error}");
            connection.batch_execute("ROLLBACK TO attempt").await.expect("back to the savepoint");
            0
        }
    }
}

/// I4, also without a tenant setting: then no rows are visible and none can be changed.
#[tokio::test(flavor = "multi_thread")]
async fn rows_of_other_tenant_are_invisible_and_immutable() {
    let database = database::shared().await;
    let (ours, theirs) = (insert_tenant(&database).await, insert_tenant(&database).await);
    let tables = tenant_tables(&database).await;
    assert!(tables.len() >= 15, "only these tables were found: {tables:?}");

    for tenant in [Some(theirs), None] {
        let mut connection = database.as_app().await;
        enter(&mut connection, tenant).await;
        for (table, key) in &tables {
            let seen = count(&mut connection, &format!("SELECT count(*) FROM {table} WHERE {key} = '{ours}'")).await;
            assert_eq!(seen.expect("reading is allowed"), 0, "{table} is read by {tenant:?}");
            let all =
                count(&mut connection, &format!("SELECT count(*) FROM {table}")).await.expect("reading is allowed");
            assert_eq!(all > 0, tenant.is_some(), "{table} seen by {tenant:?}");

            let columns = format!("SELECT * FROM {table} LIMIT 0");
            assert_eq!(touched(&mut connection, &columns).await, 0);
            let update = format!("UPDATE {table} SET {key} = {key} WHERE {key} = '{ours}'");
            assert_eq!(touched(&mut connection, &update).await, 0, "{table} is updated by {tenant:?}");
            let delete = format!("DELETE FROM {table} WHERE {key} = '{ours}'");
            assert_eq!(touched(&mut connection, &delete).await, 0, "{table} is deleted from by {tenant:?}");
            let take_over = format!("UPDATE {table} SET {key} = '{ours}'");
            assert_eq!(
                touched(&mut connection, &take_over).await,
                0,
                "rows of {table} are moved to another tenant by {tenant:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn insert_with_other_tenant_id_is_refused() {
    let database = database::shared().await;
    let (ours, theirs) = (insert_tenant(&database).await, insert_tenant(&database).await);
    for tenant in [Some(theirs), None] {
        let mut connection = database.as_app().await;
        enter(&mut connection, tenant).await;
        for (table, key) in tenant_tables(&database).await {
            // Postgres checks the policy only for a row that is otherwise valid, so the row is a copy of an existing
            // one, read as the table's owner.
            let insert = copy_of_a_row(&database, &table, key, ours).await;
            assert_eq!(touched(&mut connection, &insert).await, 0, "{table} accepts a row from {tenant:?}");
        }
    }

    // The row itself is valid: its own tenant gets a unique violation.
    let mut connection = database.as_app().await;
    enter(&mut connection, Some(ours)).await;
    for (table, key) in tenant_tables(&database).await {
        let insert = copy_of_a_row(&database, &table, key, ours).await;
        connection.batch_execute("SAVEPOINT attempt").await.expect("a savepoint can be set");
        let refusal = diesel::sql_query(&insert).execute(&mut connection).await.expect_err("the row is a duplicate");
        let refusal = refusal.to_string();
        let expected = ["duplicate key", "permission denied"];
        assert!(expected.iter().any(|text| refusal.contains(text)), "{table}: {refusal}");
        connection.batch_execute("ROLLBACK TO attempt").await.expect("back to the savepoint");
    }
}

/// A statement that inserts a copy of a tenant's row. Generated columns are left out.
async fn copy_of_a_row(database: &TestDatabase, table: &str, key: &str, tenant: Uuid) -> String {
    let row = format!("SELECT row_to_json(t)::text AS finding FROM {table} t WHERE {key} = '{tenant}' LIMIT 1");
    let columns = format!(
        "SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) AS finding
           FROM information_schema.columns
          WHERE table_schema = 'public' AND table_name = '{table}' AND is_generated = 'NEVER'"
    );
    let (row, columns) = (database.text(&row).await, database.text(&columns).await);
    format!(
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM json_populate_record(NULL::{table}, $row${row}$row$)"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn platform_role_cannot_read_contacts_or_messages() {
    let database = database::shared().await;
    let tenant = insert_tenant(&database).await;
    let mut connection = database.as_platform().await;
    connection
        .batch_execute(&format!("SELECT set_config('app.current_tenant_id', '{tenant}', false)"))
        .await
        .expect("the setting is set");
    for table in [
        "users",
        "roles",
        "memberships",
        "sessions",
        "refresh_tokens",
        "contacts",
        "messages",
        "interactions",
        "subscriptions",
        "invoices",
    ] {
        let read = count(&mut connection, &format!("SELECT count(*) FROM {table}")).await;
        assert!(read.unwrap_err().to_string().contains("permission denied"), "{table}");
    }
}
