-- Ids of the latest messages with all wanted words. Rare words are looked up in the GIN index, which lists all matches. For
-- common words it is faster to scan the tenant's latest messages, unless the word was not used recently: then the index is used
-- again.
--
-- SECURITY DEFINER, as app.contacts_with_words. Lookups in the GIN index begin with the id of the transaction's tenant. The
-- latest messages are read in the order of an index.
CREATE OR REPLACE FUNCTION app.messages_with_words(wanted text, most integer) RETURNS SETOF uuid
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
  SET search_path = pg_catalog, pg_temp
  SET enable_seqscan = off
  SET enable_sort = off
  SET jit = off
  AS $$
  DECLARE
    common constant integer := 2000;
    of_tenant constant uuid := app.tenant();
    looked_up constant tsquery := app.words_query(app.word_prefix(of_tenant), wanted, false);
    compared constant tsquery := app.words_query('', wanted, false);
    places integer;
    ids uuid[];
  BEGIN
    SELECT count(*), array_agg(m.id ORDER BY m.provider_timestamp DESC, m.id DESC) INTO places, ids FROM (
      SELECT id, provider_timestamp FROM public.messages
       WHERE app.words_of_tenant(tenant_id, search_words) @@ looked_up AND revoked_at IS NULL
       LIMIT common
    ) AS m;
    IF places = common THEN
      ids := ARRAY(
        SELECT m.id FROM (
          SELECT id, provider_timestamp, search_words, revoked_at FROM public.messages
           WHERE tenant_id = of_tenant
           ORDER BY provider_timestamp DESC, id DESC
           LIMIT 50000
        ) AS m
         WHERE m.search_words @@ compared AND m.revoked_at IS NULL
         ORDER BY m.provider_timestamp DESC, m.id DESC
         LIMIT most);
    END IF;
    IF places = common AND cardinality(ids) < most THEN
      ids := ARRAY(
        SELECT id FROM public.messages
         WHERE app.words_of_tenant(tenant_id, search_words) @@ looked_up AND revoked_at IS NULL
         ORDER BY provider_timestamp DESC, id DESC
         LIMIT most);
    END IF;
    RETURN QUERY SELECT unnest(ids[:most]);
  END
  $$;
REVOKE ALL ON FUNCTION app.messages_with_words FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.messages_with_words TO parley_app;
