-- Search over names, phone numbers, user names and the text of messages.
--
-- Under row level security an index serves leakproof conditions only: comparisons of texts are leakproof, `@@` and LIKE are not.
-- Prefixes are therefore found by comparing bytes (COLLATE "C") with a column that is folded in advance. Words are looked up by
-- SECURITY DEFINER functions, in GIN indexes whose entries begin with the tenant's id: a lookup never touches the entries of
-- other tenants, and a posting list has rows of one tenant only.

-- The words of a text in order, without case, accents and punctuation. In scripts without spaces, such as Chinese, a run of
-- letters is one word and is found by its prefix. Texts are cut at 10,000 characters, which is more than WhatsApp allows, and
-- words at 64, as index entries are limited in size.
--
-- Functions that are called for each row are in PL/pgSQL: a SQL function that calls another one is planned again on each call.
CREATE FUNCTION app.word_list(body text) RETURNS text[]
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog
  AS $$
  DECLARE
    plain text := left(body, 10000);
    words text[];
  BEGIN
    IF octet_length(plain) <> length(plain) THEN
      plain := regexp_replace(normalize(plain, NFKD), '[\u0300-\u036f]+', '', 'g');
    END IF;
    plain := regexp_replace(lower(plain COLLATE "und-x-icu"), '[^[:alnum:]]+', ' ', 'g');
    words := string_to_array(btrim(plain), ' ');
    IF length(plain) > 64 THEN
      words := ARRAY(SELECT left(word, 64) FROM unnest(words) WITH ORDINALITY AS list (word, place) ORDER BY place);
    END IF;
    RETURN words;
  END
  $$;

-- The words of a text as one text, for prefix comparison.
CREATE FUNCTION app.fold(body text) RETURNS text
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog
  AS $$ BEGIN RETURN left(array_to_string(app.word_list(body), ' '), 200); END $$;

CREATE FUNCTION app.words(body text) RETURNS tsvector
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog
  AS $$ BEGIN RETURN array_to_tsvector(app.word_list(body)); END $$;

-- The prefix of a tenant's index entries.
CREATE FUNCTION app.word_prefix(tenant uuid) RETURNS text
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog
  AS $$ BEGIN RETURN replace(tenant::text, '-', ''); END $$;

CREATE FUNCTION app.words_of_tenant(tenant uuid, words tsvector) RETURNS tsvector
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog
  AS $$
  DECLARE
    prefix text := replace(tenant::text, '-', '');
  BEGIN
    RETURN array_to_tsvector(ARRAY(SELECT prefix || word FROM unnest(tsvector_to_array(words)) AS word));
  END
  $$;

-- A query for all wanted words. A prefix is enough for each word, or only for the last one, which may be incomplete, if it has
-- three letters or more. Words have letters and digits only, so that the quotes cannot be escaped.
CREATE FUNCTION app.words_query(prefix text, wanted text, every_beginning boolean) RETURNS tsquery
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog
  AS $$
    SELECT string_agg(
             '''' || prefix || word || ''''
             || CASE WHEN every_beginning OR (place = cardinality(list) AND length(word) >= 3) THEN ':*' ELSE '' END,
             ' & ')::tsquery
      FROM app.word_list(wanted) AS list, unnest(list) WITH ORDINALITY AS words (word, place)
  $$;

ALTER TABLE contacts
  ADD COLUMN search_name text COLLATE "C" GENERATED ALWAYS AS (app.fold(display_name)) STORED,
  ADD COLUMN search_words tsvector GENERATED ALWAYS AS (app.words(display_name)) STORED;
CREATE INDEX contacts_name_idx ON contacts (tenant_id, search_name, id);
CREATE INDEX contacts_words_idx ON contacts USING gin (app.words_of_tenant(tenant_id, search_words))
  WITH (gin_pending_list_limit = 256);

ALTER TABLE contact_identities
  ADD COLUMN search_key text COLLATE "C"
    GENERATED ALWAYS AS (CASE kind WHEN 'username' THEN app.fold(value) ELSE value END) STORED;
CREATE INDEX contact_identities_search_idx ON contact_identities (tenant_id, kind, search_key);

ALTER TABLE messages
  ADD COLUMN search_words tsvector GENERATED ALWAYS AS (app.words(text)) STORED;
CREATE INDEX messages_latest_idx ON messages (tenant_id, provider_timestamp DESC, id DESC);
-- Each search reads the pending list, so its size (KiB) is kept small.
CREATE INDEX messages_words_idx ON messages USING gin (app.words_of_tenant(tenant_id, search_words))
  WITH (gin_pending_list_limit = 512);

-- Ids of contacts whose names have words that begin with all wanted words, ordered by name; of very common words, some only.
--
-- SECURITY DEFINER. Its only condition is that of the index and contains the transaction's tenant. The caller reads the rows
-- under its own policies.
CREATE FUNCTION app.contacts_with_words(wanted text, most integer) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER ROWS 50
  SET search_path = pg_catalog
  SET enable_seqscan = off
  AS $$
    SELECT id FROM (
      SELECT id, search_name FROM public.contacts
       WHERE app.words_of_tenant(tenant_id, search_words)
             @@ app.words_query(app.word_prefix((SELECT app.tenant())), $1, true)
       LIMIT 2000
    ) AS found
     ORDER BY search_name, id
     LIMIT $2
  $$;

-- Ids of the latest messages with all wanted words, in the same way.
CREATE FUNCTION app.messages_with_words(wanted text, most integer) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER ROWS 50
  SET search_path = pg_catalog
  SET enable_seqscan = off
  AS $$
    SELECT id FROM public.messages
     WHERE app.words_of_tenant(tenant_id, search_words)
           @@ app.words_query(app.word_prefix((SELECT app.tenant())), $1, false)
       AND revoked_at IS NULL
     ORDER BY provider_timestamp DESC, id DESC
     LIMIT $2
  $$;

REVOKE ALL ON FUNCTION app.contacts_with_words(text, integer), app.messages_with_words(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.contacts_with_words(text, integer), app.messages_with_words(text, integer) TO parley_app;
