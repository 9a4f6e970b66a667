-- Forgets which contacts were counted on days before a day, at most so many, and returns their number. SECURITY DEFINER: the
-- platform role may not read the billing tables.
CREATE OR REPLACE FUNCTION app.purge_usage_contacts(before_day date, at_most bigint) RETURNS bigint
  LANGUAGE sql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS $$
    WITH purged AS (
      DELETE FROM public.usage_contacts
       WHERE ctid = ANY (ARRAY(SELECT u.ctid FROM public.usage_contacts u WHERE u.day < before_day LIMIT at_most
                                  FOR UPDATE SKIP LOCKED))
      RETURNING 1
    )
    SELECT count(*) FROM purged
  $$;
REVOKE ALL ON FUNCTION app.purge_usage_contacts FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.purge_usage_contacts TO parley_platform;
