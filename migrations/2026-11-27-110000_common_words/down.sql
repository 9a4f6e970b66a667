CREATE OR REPLACE FUNCTION app.messages_with_words(wanted text, most integer) RETURNS SETOF uuid
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
