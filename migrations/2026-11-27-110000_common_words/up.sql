-- The latest messages with all of these words. A word that is rare is looked up in the index, which lists each place of it. One
-- that is common is found sooner where the tenant's latest messages are, unless it has not been used for long.
--
-- What is looked up in the index begins with the tenant of the transaction, whoever calls. The latest are read in their order,
-- for which there is an index; what is sorted in any case is few.
CREATE OR REPLACE FUNCTION app.messages_with_words(wanted text, most integer) RETURNS SETOF uuid
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
  SET search_path = pg_catalog
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
