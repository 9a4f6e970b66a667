-- Ids of contacts that have a phone number with this end, in the order of its digits.
--
-- SECURITY DEFINER, as row level security lets no index serve `reverse`. Its conditions are those of the index and contain the
-- transaction's tenant. The caller reads the rows under its own policies.
CREATE OR REPLACE FUNCTION app.contacts_with_number_end(digits text, most integer) RETURNS SETOF uuid
  LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 50
  SET search_path = pg_catalog, pg_temp
  SET enable_seqscan = off
  AS $$
    SELECT contact_id FROM public.contact_identities
     WHERE tenant_id = (SELECT app.tenant()) AND kind = 'phone' AND resolves
       AND reverse(value) COLLATE "C" >= reverse($1) AND reverse(value) COLLATE "C" < reverse($1) || ':'
     ORDER BY reverse(value) COLLATE "C"
     LIMIT $2
  $$;
REVOKE ALL ON FUNCTION app.contacts_with_number_end FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.contacts_with_number_end TO parley_app;
