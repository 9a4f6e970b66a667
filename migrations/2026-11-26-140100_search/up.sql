-- Search over names, phone numbers, user names and the text of messages.
--
-- Row level security lets only leakproof conditions near an index: comparisons of texts are, `@@` and LIKE are not. So what
-- begins with something is found by comparing, byte by byte (COLLATE "C"), with a column that is folded beforehand. Words are
-- looked up by functions of the owner's, in GIN indexes whose every entry begins with its tenant: a word is never looked up
-- for all tenants, the lists behind an entry are as long as one tenant makes them, and nobody can ask for another's.

-- The words of a text, in their order: without case, accents and punctuation. Where words are not set apart, as in Chinese,
-- what stands together is one word, and is found by its beginning. Enough of a text for the longest that WhatsApp sends, and
-- enough of a word for anybody who types; more would not fit into an index.
--
-- What is called for each row is plpgsql: a function in SQL that calls another one plans it anew each time.
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

-- The same as one text, to be compared.
CREATE FUNCTION app.fold(body text) RETURNS text
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog
  AS $$ BEGIN RETURN left(array_to_string(app.word_list(body), ' '), 200); END $$;

CREATE FUNCTION app.words(body text) RETURNS tsvector
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog
  AS $$ BEGIN RETURN array_to_tsvector(app.word_list(body)); END $$;

-- What entries of a tenant begin with.
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

-- All the words that are wanted. The beginning of a word is enough of each, or only of the last, which somebody may still be
-- typing, once it has three letters. A word has letters and digits only, so it cannot get out of its quotes.
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
-- What is added waits in a list that is read by each search until it is this long (KiB): short enough not to be felt.
CREATE INDEX messages_words_idx ON messages USING gin (app.words_of_tenant(tenant_id, search_words))
  WITH (gin_pending_list_limit = 512);

-- Contacts whose names have words that begin with all of these, in the order of their names; of very common ones, some.
--
-- Its one condition is that of the index, and has the tenant in it: of the transaction, whoever calls. The caller reads the
-- rows under its own policies.
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

-- The latest messages with all of these words, in the same way.
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
