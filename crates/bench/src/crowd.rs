//! Tenants with as much as a busy one has, made by the database.

use uuid::Uuid;

use crate::error::Result;
use crate::sql;
use crate::world::{Tenant, World};

/// How much a tenant has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) contacts: u32,
    pub(crate) messages: u32,
}

/// `$T` are tenants, `$C` and `$M` how many contacts and messages each has. Contacts have names of a few given names and
/// family names, a number of their own and one conversation; messages come one a second, from each in turn, and have words
/// that are in all of them, in many, and in a few.
const ROWS: [&str; 6] = [
    "INSERT INTO whatsapp_accounts (tenant_id, id, app_id, phone_number_id, waba_id, status, created_at, updated_at)
     SELECT t, md5(t || 'account')::uuid, 'crowd', t::text, '1', 'active', now(), now() FROM unnest($T) AS t
         ON CONFLICT DO NOTHING",
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
    "INSERT INTO conversations (tenant_id, id, account_id, contact_id, status, last_message_at, created_at)
     SELECT t, md5(t || 'conversation' || n)::uuid, md5(t || 'account')::uuid, md5(t || 'contact' || n)::uuid,
            CASE WHEN n % 3 = 0 THEN 'closed' ELSE 'open' END, now() - ((n * 7919) % $C) * interval '1 second', now()
       FROM unnest($T) AS t CROSS JOIN generate_series(1, $C) AS n",
    "INSERT INTO messages (tenant_id, id, conversation_id, contact_id, account_id, wamid, direction, kind, text, payload,
                           provider_timestamp, created_at)
     SELECT t, md5(t || 'message' || n)::uuid, md5(t || 'conversation' || 1 + n % $C)::uuid,
            md5(t || 'contact' || 1 + n % $C)::uuid, md5(t || 'account')::uuid, 'wamid.crowd.' || n, 'inbound', 'text',
            'Hello, my order ' || n || ' '
            || (ARRAY['is late', 'has not arrived', 'is broken', 'was great', 'needs a refund', 'is too small'])[1 + n % 6]
            || ', reference item' || (n::bigint * 7919) % 5000 || ': please have a look, kind regards',
            '{\"type\": \"text\", \"id\": \"wamid.crowd.' || n || '\"}', now() - ($M - n) * interval '1 second', now()
       FROM unnest($T) AS t CROSS JOIN generate_series(1, $M) AS n",
    "INSERT INTO interactions (tenant_id, id, contact_id, kind, text, message_id, occurred_at, created_at)
     SELECT t, md5(t || 'interaction' || n)::uuid, md5(t || 'contact' || 1 + n % $C)::uuid, 'inbound_message',
            'Hello, my order ' || n, md5(t || 'message' || n)::uuid, now() - ($M - n) * interval '1 second', now()
       FROM unnest($T) AS t CROSS JOIN generate_series(1, $M) AS n",
];

/// Gives tenants, and so many others that are made for it, what they have.
pub(crate) async fn fill(world: &World, tenants: &[Tenant], size: Size, others: usize, size_of_others: Size) -> Result {
    // An index of many rows is made faster at once than row by row.
    execute(
        world,
        "CREATE TABLE indexes_to_make AS
         SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS made FROM pg_index
          WHERE indrelid IN ('contacts'::regclass, 'messages'::regclass) AND NOT indisunique;
         DO $$ DECLARE it text; BEGIN FOR it IN SELECT name FROM indexes_to_make LOOP EXECUTE 'DROP INDEX ' || it; END LOOP; END $$",
    )
    .await?;
    // A transaction for each, so that a disk need not hold all of them at once.
    for tenant in tenants {
        rows(world, &[tenant.id], size).await?;
    }
    let made = "INSERT INTO tenants (id, slug, name, created_at)
                SELECT md5('crowd ' || n)::uuid, 'crowd-' || n, 'Crowd', now() FROM generate_series(1, $N) AS n";
    execute(world, &made.replace("$N", &others.to_string())).await?;
    let ids = world.sql.query("SELECT id::text FROM tenants WHERE slug LIKE 'crowd-%'", &[]).await?;
    let mut of_others = Vec::new();
    for row in ids {
        of_others.push(row.try_get::<_, String>(0)?.parse()?);
    }
    rows(world, &of_others, size_of_others).await?;
    execute(
        world,
        "DO $$ DECLARE it text; BEGIN FOR it IN SELECT made FROM indexes_to_make LOOP EXECUTE it; END LOOP; END $$;
         DROP TABLE indexes_to_make",
    )
    .await?;
    sql::settle(&world.sql).await
}

async fn rows(world: &World, tenants: &[Uuid], Size { contacts, messages }: Size) -> Result {
    if tenants.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = tenants.iter().map(|tenant| format!("'{tenant}'::uuid")).collect();
    for statement in ROWS {
        let statement = statement.replace("$T", &format!("ARRAY[{}]", ids.join(", ")));
        let statement = statement.replace("$C", &contacts.to_string()).replace("$M", &messages.to_string());
        // References are right, so the checks of foreign keys can be skipped.
        execute(world, &format!("SET session_replication_role = replica; {statement}; RESET session_replication_role"))
            .await?;
    }
    Ok(())
}

async fn execute(world: &World, statement: &str) -> Result {
    world.sql.batch_execute(statement).await?;
    Ok(())
}
