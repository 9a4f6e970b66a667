//! Tenants with as much as a busy one has, made by the database.

use super::app::TestTenant;
use super::database::TestDatabase;

/// How much a tenant has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) contacts: u32,
    pub(crate) messages: u32,
}

/// Contacts have names of a few given names and family names, a number of their own (`4915` and nine digits), and one
/// conversation each; a third of these are closed, and a tenth are the owner's. Messages come one a second, from each in
/// turn, and have words that are in all of them, in many, in a few and in one.
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
    /// Gives a tenant, and so many others, what they have, and lets the database look at it.
    pub(crate) async fn crowd(&self, tenant: &TestTenant, size: Size, others: u32, size_of_others: Size) {
        // An index of many rows is made faster at once than row by row.
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
        // Each alone, as it cannot be done in a transaction.
        for table in ["contacts", "contact_identities", "conversations", "messages"] {
            self.execute(&format!("VACUUM ANALYZE {table}")).await;
        }
    }

    async fn fill(&self, tenants: &str, Size { contacts, messages }: Size) {
        for statement in ROWS {
            let statement = statement.replace("$T", tenants).replace("$C", &contacts.to_string());
            // References are right, so nobody needs to look them up.
            let statement = statement.replace("$M", &messages.to_string());
            self.execute(&format!("SET session_replication_role = replica; {statement}")).await;
        }
    }
}
