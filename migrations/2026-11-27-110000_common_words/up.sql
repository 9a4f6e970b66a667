-- The latest messages with all of these words. A word that is rare is looked up in the index, which lists each place of it. One
-- that is common is found sooner where the latest messages are, unless it has not been used for long. What is looked up has its
-- tenant in it, of the transaction, whoever calls.
CREATE OR REPLACE FUNCTION app.messages_with_words(wanted text, most integer) RETURNS SETOF uuid
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
  SET search_path = pg_catalog
  SET enable_seqscan = off
  AS $$
  DECLARE
    common constant integer := 2000;
    words constant tsquery := app.words_query('', wanted, false);
    words_of_tenant constant tsquery := app.words_query(app.word_prefix(app.tenant()), wanted, false);
    found uuid[];
    matches integer;
  BEGIN
    SELECT array_agg(id ORDER BY provider_timestamp DESC, id DESC), count(*) INTO found, matches FROM (
      SELECT id, provider_timestamp FROM public.messages
       WHERE app.words_of_tenant(tenant_id, search_words) @@ words_of_tenant AND revoked_at IS NULL
       LIMIT common
    ) AS first_matches;
    IF matches = common THEN
      found := ARRAY(
        SELECT id FROM (
          SELECT id, provider_timestamp, search_words, revoked_at FROM public.messages
           WHERE tenant_id = app.tenant()
           ORDER BY provider_timestamp DESC, id DESC
           LIMIT 50000
        ) AS latest
         WHERE search_words @@ words AND revoked_at IS NULL
         ORDER BY provider_timestamp DESC, id DESC
         LIMIT most);
    END IF;
    IF matches = common AND cardinality(found) < most THEN
      found := ARRAY(
        SELECT id FROM public.messages
         WHERE app.words_of_tenant(tenant_id, search_words) @@ words_of_tenant AND revoked_at IS NULL
         ORDER BY provider_timestamp DESC, id DESC
         LIMIT most);
    END IF;
    RETURN QUERY SELECT unnest(found[:most]);
  END
  $$;
