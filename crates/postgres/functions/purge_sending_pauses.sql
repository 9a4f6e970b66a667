-- Deletes pauses that ended before a time, at most so many, and returns their number. SECURITY DEFINER: the platform role may not
-- read whom a pause is about.
CREATE OR REPLACE FUNCTION app.purge_sending_pauses(ended_before timestamptz, at_most bigint) RETURNS bigint
  LANGUAGE sql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS $$
    WITH purged AS (
      DELETE FROM public.sending_pauses
       WHERE ctid = ANY (ARRAY(SELECT p.ctid FROM public.sending_pauses p WHERE p.until < ended_before
                                LIMIT at_most FOR UPDATE SKIP LOCKED))
      RETURNING 1
    )
    SELECT count(*) FROM purged
  $$;
REVOKE ALL ON FUNCTION app.purge_sending_pauses FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.purge_sending_pauses TO parley_platform;
