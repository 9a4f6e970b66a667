-- Data as busy tenants have it, for the benchmark and for the tests. `$T` is an array of tenants, `$C` and `$M` are the numbers
-- of contacts and messages of each.
--
-- Contacts have names built from a few given and family names, a number each (`4915` and nine digits), and one conversation
-- each; a third of these are closed, and a tenth are assigned to a user of the tenant. There is one message a second, from each
-- contact in turn, with words that occur in all messages, in many, in a few and in one.

-- The references are valid by construction, so their checks are skipped.
SET session_replication_role = replica;

INSERT INTO whatsapp_accounts (tenant_id, id, app_id, phone_number_id, waba_id, status, created_at, updated_at)
SELECT t, md5(t || 'account')::uuid, 'deployment', t::text, '1', 'active', now(), now()
  FROM unnest($T) AS t
    ON CONFLICT DO NOTHING;

INSERT INTO contacts (tenant_id, id, display_name, created_at, updated_at)
SELECT t, md5(t || 'contact' || n)::uuid,
       (ARRAY['Ada', 'Grace', 'Alan', 'Edsger', 'Barbara', 'Donald', 'Zoë', 'Jürgen', 'Łukasz', 'Frances'])[1 + n % 10] || ' '
       || (ARRAY['Lovelace', 'Hopper', 'Turing', 'Dijkstra', 'Liskov', 'Knuth', 'Müller', 'Nowak', 'Allen', 'Perlis', 'Kay'])
          [1 + n % 11] || ' ' || n,
       now() - ($C - n) * interval '1 minute', now()
  FROM unnest($T) AS t CROSS JOIN generate_series(1, $C) AS n;

INSERT INTO contact_identities (tenant_id, kind, scope, value, contact_id, created_at, since)
SELECT t, 'phone', '', '4915' || lpad(n::text, 9, '0'), md5(t || 'contact' || n)::uuid, now(), now()
  FROM unnest($T) AS t CROSS JOIN generate_series(1, $C) AS n;

INSERT INTO conversations (tenant_id, id, account_id, contact_id, status, assignee_id, last_message_at, created_at)
SELECT t, md5(t || 'conversation' || n)::uuid, md5(t || 'account')::uuid, md5(t || 'contact' || n)::uuid,
       CASE WHEN n % 3 = 0 THEN 'closed' ELSE 'open' END,
       CASE WHEN n % 10 = 0 THEN (SELECT u.id FROM users u WHERE u.tenant_id = t LIMIT 1) END,
       now() - ((n * 7919) % $C) * interval '1 second', now()
  FROM unnest($T) AS t CROSS JOIN generate_series(1, $C) AS n;

INSERT INTO messages (tenant_id, id, conversation_id, contact_id, account_id, wamid, direction, kind, text, parts, payload,
                      provider_timestamp, created_at)
SELECT t, md5(t || 'message' || n)::uuid, md5(t || 'conversation' || 1 + n % $C)::uuid, md5(t || 'contact' || 1 + n % $C)::uuid,
       md5(t || 'account')::uuid, 'wamid.' || n, 'inbound', 'text',
       'Hello, my order ' || n || ' '
       || (ARRAY['is late', 'has not arrived', 'is broken', 'was great', 'needs a refund', 'is too small'])[1 + n % 6]
       || ', reference item' || (n::bigint * 7919) % 5000 || ': please have a look, kind regards', '[]',
       '{"type": "text", "id": "wamid.' || n || '"}', now() - ($M - n) * interval '1 second', now()
  FROM unnest($T) AS t CROSS JOIN generate_series(1, $M) AS n;

INSERT INTO interactions (tenant_id, id, contact_id, kind, text, message_id, occurred_at, created_at)
SELECT t, md5(t || 'interaction' || n)::uuid, md5(t || 'contact' || 1 + n % $C)::uuid, 'inbound_message',
       'Hello, my order ' || n, md5(t || 'message' || n)::uuid, now() - ($M - n) * interval '1 second', now()
  FROM unnest($T) AS t CROSS JOIN generate_series(1, $M) AS n;

RESET session_replication_role;
