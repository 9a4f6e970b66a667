-- Ids of contacts whose names have words that begin with all wanted words, ordered by name; of very common words, some only.
--
-- SECURITY DEFINER, as row level security lets no index serve `@@`. Its only condition is that of the index and contains the
-- transaction's tenant. The caller reads the rows under its own policies.
CREATE OR REPLACE FUNCTION app.contacts_with_words(wanted text, most integer) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER ROWS 50
  SET search_path = pg_catalog, pg_temp
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
REVOKE ALL ON FUNCTION app.contacts_with_words FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.contacts_with_words TO parley_app;
