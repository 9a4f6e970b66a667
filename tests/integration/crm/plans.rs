//! Lists and search use indexes under row level security. The test records the statements that the server sends and
//! explains them as the role that sent them.

use diesel_async::{AsyncConnection as _, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use uuid::Uuid;

use crate::kit::api::{Conversation, Page};
use crate::kit::app::{Settings, TestApp, TestTenant};
use crate::kit::bulk_data::Size;
use crate::kit::statements;

/// The statements about this tenant's data that a request causes.
async fn statements_of(tenant: &TestTenant, path: &str) -> Vec<String> {
    statements::watch(&tenant.id);
    tenant.client.get(path).await.expect(200);
    let recorded = statements::watched(&tenant.id);
    let tables = [
        "contacts",
        "contact_identities",
        "conversations",
        "messages",
        "interactions",
        "audit_records",
        "webhook_events",
    ];
    let about = |statement: &&String| tables.iter().any(|it| statement.contains(it));
    recorded.iter().filter(about).map(|statement| with_values(statement)).collect()
}

/// A statement with its values in place of the parameters.
fn with_values(recorded: &str) -> String {
    let (sql, values) = recorded.rsplit_once(" -- binds: ").unwrap_or((recorded, "[]"));
    let values = split(values.trim().strip_prefix('[').unwrap().strip_suffix(']').unwrap());
    // Highest numbers first, since `$1` is a prefix of `$10`.
    let numbered = values.iter().enumerate().rev();
    numbered.fold(sql.to_owned(), |sql, (at, value)| sql.replace(&format!("${}", at + 1), &literal(value)))
}

/// Parses values from the list that `Debug` prints.
fn split(values: &str) -> Vec<String> {
    let (mut parts, mut depth, mut quoted) = (vec![String::new()], 0, false);
    for c in values.chars() {
        match c {
            '"' => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(c);
    }
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn literal(value: &str) -> String {
    if value == "None" {
        return "NULL".to_owned();
    }
    if let Some(value) = value.strip_prefix("Some(").and_then(|it| it.strip_suffix(')')) {
        return literal(value);
    }
    if let Some(items) = value.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        let is_ids = items.split(',').next().is_some_and(|item| item.trim().parse::<Uuid>().is_ok());
        return format!("'{{{items}}}'::{}[]", if is_ids { "uuid" } else { "text" });
    }
    if let Some(text) = value.strip_prefix('"').and_then(|it| it.strip_suffix('"')) {
        return format!("'{text}'::text");
    }
    match (value.parse::<i64>(), value.parse::<Uuid>()) {
        (Ok(_), _) => value.to_owned(),
        (_, Ok(_)) => format!("'{value}'::uuid"),
        _ => format!("'{value}'::timestamptz"),
    }
}

#[derive(diesel::QueryableByName)]
struct Text {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

async fn text(connection: &mut AsyncPgConnection, query: &str) -> String {
    let row: Text =
        diesel::sql_query(query).get_result(connection).await.unwrap_or_else(|error| panic!("{query}: {error}"));
    row.text
}

/// A connection in a transaction of the tenant, with a function that explains a statement.
async fn explainer(mut connection: AsyncPgConnection, tenant: &TestTenant) -> AsyncPgConnection {
    let explain = "CREATE FUNCTION pg_temp.explained(statement text) RETURNS text LANGUAGE plpgsql AS $$
        DECLARE
          line text;
          plan text := '';
        BEGIN
          FOR line IN EXECUTE 'EXPLAIN ' || statement LOOP plan := plan || line || chr(10); END LOOP;
          RETURN plan;
        END $$";
    let enter = format!("{explain}; BEGIN; SELECT set_config('app.current_tenant_id', '{}', true)", tenant.id);
    connection.batch_execute(&enter).await.unwrap();
    connection
}

async fn plan(connection: &mut AsyncPgConnection, statement: &str) -> String {
    text(connection, &format!("SELECT pg_temp.explained($statement${statement}$statement$) AS text")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_search_use_indexes_under_rls() {
    statements::record();
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let (much, little) = (Size { contacts: 20_000, messages: 20_000 }, Size { contacts: 100, messages: 500 });
    app.database.fill_tenants(&tenant, much, 4, little).await;
    let me = tenant.me().await.user.id;
    fill_logs(&app, &tenant).await;
    for refused in [
        "kind=zzz",
        "error_class=poison",
        "status=processed&kind=zzz",
        "status=received&account=0190b5a2-7e2f-7000-8000-000000000000",
    ] {
        tenant.client.get(&format!("/webhook-events?{refused}")).await.problem(422, "validation_failed");
    }
    tenant.client.get("/audit-log?outcome=zzz").await.problem(422, "validation_failed");
    let page: Page<Conversation> = tenant.client.read("/crm/conversations?limit=100").await;
    let conversation = &page.data[0];
    let cursor = page.cursor();

    // The function that explains statements is temporary.
    let grant = format!("GRANT TEMPORARY ON DATABASE \"{}\" TO PUBLIC", app.database.name);
    app.database.admin().await.batch_execute(&grant).await.unwrap();
    let mut as_app = explainer(app.database.as_app().await, &tenant).await;
    for (path, indexes) in [
        ("/crm/contacts".to_owned(), vec!["contacts_newest_idx", "contact_identities_contact_idx"]),
        (format!("/crm/contacts/{}", conversation.contact_id), vec!["contacts_pkey"]),
        (format!("/crm/contacts/{}/interactions", conversation.contact_id), vec!["interactions_contact_idx"]),
        ("/crm/conversations".to_owned(), vec!["conversations_latest_idx"]),
        (format!("/crm/conversations?cursor={cursor}"), vec!["conversations_latest_idx"]),
        ("/crm/conversations?status=closed".to_owned(), vec!["conversations_status_idx"]),
        (format!("/crm/conversations?assignee={me}"), vec!["conversations_assignee_idx"]),
        (conversation.messages_path(), vec!["messages_conversation_idx"]),
        (
            "/crm/search?q=4915000000017".to_owned(),
            vec!["contact_identities_search_idx", "contacts_name_idx", "messages_latest_idx"],
        ),
        ("/crm/search?q=grace+hopper".to_owned(), vec!["contacts_name_idx", "messages_latest_idx"]),
        ("/audit-log".to_owned(), vec!["audit_records_latest_idx"]),
        ("/audit-log?action=no.such_action".to_owned(), vec!["audit_records_action_idx"]),
        ("/audit-log?actor=x".to_owned(), vec!["audit_records_actor_idx"]),
        ("/audit-log?target=x".to_owned(), vec!["audit_records_target_idx"]),
        ("/audit-log?outcome=refused".to_owned(), vec!["audit_records_refused_idx"]),
        ("/webhook-events".to_owned(), vec!["webhook_events_tenant_idx"]),
        ("/webhook-events?status=discarded&kind=zzz".to_owned(), vec!["webhook_events_status_idx"]),
        ("/webhook-events?status=retrying&error_class=transient".to_owned(), vec!["webhook_events_status_idx"]),
    ] {
        let statements = statements_of(&tenant, &path).await;
        assert!(!statements.is_empty(), "{path} is recorded");
        let mut plans = String::new();
        for statement in &statements {
            plans += &plan(&mut as_app, statement).await;
        }
        for index in indexes {
            assert!(plans.contains(index), "{path} does not use {index}:\n{}\n{plans}", statements.join("\n"));
        }
        for table in ["contacts", "contact_identities", "conversations", "messages", "audit_records", "webhook_events"]
        {
            assert!(!plans.contains(&format!("Seq Scan on {table} ")), "{path} scans {table}:\n{plans}");
        }
    }

    // Search calls functions of the owner, so its single statements are explained as the owner.
    let mut as_owner = explainer(AsyncPgConnection::establish(&app.database.owner_url).await.unwrap(), &tenant).await;
    as_owner.batch_execute("SET LOCAL enable_seqscan = off").await.unwrap();
    let body = "SELECT prosrc AS text FROM pg_proc
                 WHERE proname = 'contacts_with_words' AND pronamespace = 'app'::regnamespace";
    let body = text(&mut as_owner, body).await.replace("$1", "'item7'").replace("$2", "50");
    let explained = plan(&mut as_owner, &body).await;
    assert!(explained.contains("Bitmap Index Scan on contacts_words_idx"), "{explained}");
    // Index use is counted while the application role calls them.
    for (call, index) in [
        ("contacts_with_words('grace hop', 50)", "contacts_words_idx"),
        ("contacts_with_number_end('000000017', 50)", "contact_identities_number_end_idx"),
        ("messages_with_words('item7', 50)", "messages_words_idx"),
        // A word that is in every message: the plan reads the latest messages in order.
        ("messages_with_words('order', 50)", "messages_latest_idx"),
    ] {
        let scans = format!(
            "SELECT concat_ws(' ', pg_stat_get_xact_numscans('{index}'::regclass),
                              pg_stat_get_xact_numscans('contacts'::regclass) + pg_stat_get_xact_numscans('messages'::regclass)
                    ) AS text"
        );
        let count = async |as_app: &mut AsyncPgConnection| -> (i64, i64) {
            let counted = text(as_app, &scans).await;
            let (of_index, of_tables) = counted.split_once(' ').unwrap();
            (of_index.parse().unwrap(), of_tables.parse().unwrap())
        };
        let before = count(&mut as_app).await;
        let found = text(&mut as_app, &format!("SELECT count(*)::text AS text FROM app.{call}")).await;
        assert!(found.parse::<i64>().unwrap() > 0, "{call} finds something");
        let after = count(&mut as_app).await;
        assert!(after.0 > before.0, "{call} uses {index}");
        assert_eq!(after.1, before.1, "{call} does a sequential scan");
    }
    app.stop().await;
}

/// Fills the audit log and the events of a tenant: nearly all of one kind, so that a filter for another has to find few rows.
async fn fill_logs(app: &TestApp, tenant: &TestTenant) {
    let fill = format!(
        "INSERT INTO audit_records (tenant_id, id, occurred_at, actor_kind, actor_id, action, target_kind, target_id, outcome, changes)
         SELECT '{0}', gen_random_uuid(), now() - n * interval '1 second', 'user', n % 50, 'session.started', 'user', n % 50, 'done', '{{}}'
           FROM generate_series(1, 20000) n;
         INSERT INTO webhook_events (id, tenant_id, app_id, kind, dedupe_key, status, received_at)
         SELECT gen_random_uuid(), '{0}', 'deployment', 'message', n, CASE WHEN n % 100 = 0 THEN 'discarded' ELSE 'processed' END,
                now() - n * interval '1 second'
           FROM generate_series(1, 20000) n;
         ANALYZE audit_records;
         ANALYZE webhook_events",
        tenant.id
    );
    app.database.admin().await.batch_execute(&fill).await.unwrap();
}
