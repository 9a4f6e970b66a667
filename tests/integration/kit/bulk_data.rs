//! Tenants with as much data as a busy tenant has, created in SQL.

use super::app::TestTenant;
use super::database::TestDatabase;

/// The amount of a tenant's data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) contacts: u32,
    pub(crate) messages: u32,
}

/// Contacts have names built from a few given and family names, a number each (`4915` and nine digits), and one
/// conversation each; a third of these are closed, and a tenth are assigned to the owner. There is one message a
/// second, from each contact in turn, with words that occur in all messages, in many, in a few and in one.
const ROWS: [&str; 5] = [
    "INSERT INTO whatsapp_accounts (tenant_id, id, app_id, phone_number_id, waba_id, status, created_at, updated_at)
     SELECT id, id, 'deployment', id::text, '1', 'active', now(), now() FROM tenants WHERE id = ANY ($T)",
    "INSERT INTO contacts (tenant_id, id, display_name, created_at, updated_at)
     SELECT t, md5(t || 'contact' || n)::uuid,
            (ARRAY['Ada', 'Grace', 'Alan', 'Edsger', 'Barbara', 'Donald', 'Zoë', 'Jürgen', 'Łukasz', 'Frances'])[1 + n % 10] || ' '
            || (ARRAY['Lovelace', 'Hopper', 'Turing', 'Dijkstra', 'Liskov', 'Knuth', 'Müller', 'Nowak', 'Allen', 'Perlis', 'Kay'])
               [1 + n % 11] || ' ' || n,
            now() - ($C - n) * interval '1 minute', now()
       FROM unnest($T) AS t CROSS JOIN generate_series(1, $C) AS n",
    "INSERT INTO contact_identities (tenant_id, kind, scope, value, contact_id, created_at, since)
     SELECT t, 'phone', '', '4915' || lpad(n::text, 9, '0'), md5(t || 'contact' || n)::uuid, now(), now()
       FROM unnest($T) AS t CROSS JOIN generate_series(1, $C) AS n",
    "INSERT INTO conversations (tenant_id, id, account_id, contact_id, status, assignee_id, last_message_at, created_at)
     SELECT t, md5(t || 'conversation' || n)::uuid, t, md5(t || 'contact' || n)::uuid,
            CASE WHEN n % 3 = 0 THEN 'closed' ELSE 'open' END,
            CASE WHEN n % 10 = 0 THEN (SELECT u.id FROM users u WHERE u.tenant_id = t LIMIT 1) END,
            now() - ((n * 7919) % $C) * interval '1 second', now()
       FROM unnest($T) AS t CROSS JOIN generate_series(1, $C) AS n",
    "INSERT INTO messages (tenant_id, id, conversation_id, contact_id, account_id, wamid, direction, kind, text, payload,
                           provider_timestamp, created_at)
     SELECT t, md5(t || 'message' || n)::uuid, md5(t || 'conversation' || 1 + n % $C)::uuid, md5(t || 'contact' || 1 + n % $C)::uuid,
            t, 'wamid.' || n, 'inbound', 'text',
            'Hello, my order ' || n || ' '
            || (ARRAY['is late', 'has not arrived', 'is broken', 'was great', 'needs a refund', 'is too small'])[1 + n % 6]
            || ', reference item' || (n::bigint * 7919) % 5000 || ': please have a look, kind regards',
            '{\"type\": \"text\", \"id\": \"wamid.' || n || '\"}', now() - ($M - n) * interval '1 second', now()
       FROM unnest($T) AS t CROSS JOIN generate_series(1, $M) AS n",
];

impl TestDatabase {
    /// Fills a tenant and this many others with data, and updates the planner's statistics.
    pub(crate) async fn fill_tenants(&self, tenant: &TestTenant, size: Size, others: u32, size_of_others: Size) {
        // Building an index once is faster than updating it row by row.
        self.execute(
            "CREATE TABLE indexes_to_make AS
             SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS made FROM pg_index
              WHERE indrelid IN ('contacts'::regclass, 'messages'::regclass) AND NOT indisunique;
             DO $$ DECLARE it text; BEGIN FOR it IN SELECT name FROM indexes_to_make LOOP EXECUTE 'DROP INDEX ' || it; END LOOP; END $$",
        )
        .await;
        self.fill(&format!("ARRAY['{}'::uuid]", tenant.id), size).await;
        let other = "md5('other tenant ' || n)::uuid";
        self.execute(&format!(
            "INSERT INTO tenants (id, slug, name, created_at)
             SELECT {other}, 'other-' || n, 'Other', now() FROM generate_series(1, {others}) AS n"
        ))
        .await;
        let all = format!("ARRAY(SELECT {other} FROM generate_series(1, {others}) AS n)");
        self.fill(&all, size_of_others).await;
        self.execute(
            "DO $$ DECLARE it text; BEGIN FOR it IN SELECT made FROM indexes_to_make LOOP EXECUTE it; END LOOP; END $$",
        )
        .await;
        // One statement each, since `VACUUM` cannot run in a transaction.
        for table in ["contacts", "contact_identities", "conversations", "messages"] {
            self.execute(&format!("VACUUM ANALYZE {table}")).await;
        }
    }

    async fn fill(&self, tenants: &str, Size { contacts, messages }: Size) {
        for statement in ROWS {
            let statement = statement.replace("$T", tenants).replace("$C", &contacts.to_string());
            // The references are valid by construction, so their checks are skipped.
            let statement = statement.replace("$M", &messages.to_string());
            self.execute(&format!("SET session_replication_role = replica; {statement}")).await;
        }
    }
}
