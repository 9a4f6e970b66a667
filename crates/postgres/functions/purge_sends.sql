-- Deletes reactions, read receipts and typing indicators that were made before a time and are over, with their attempts, at most so
-- many, and returns their number. A send of a message stays as long as the message. SECURITY DEFINER: the platform role may not read
-- what is sent.
CREATE OR REPLACE FUNCTION app.purge_sends(made_before timestamptz, at_most bigint) RETURNS bigint
  LANGUAGE sql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS $$
    WITH purged AS (
      DELETE FROM public.sends
       WHERE ctid = ANY (ARRAY(SELECT s.ctid FROM public.sends s
                                WHERE s.kind <> 'message' AND s.created_at < made_before AND s.state NOT IN ('queued', 'sending')
                                LIMIT at_most FOR UPDATE SKIP LOCKED))
      RETURNING 1
    )
    SELECT count(*) FROM purged
  $$;
REVOKE ALL ON FUNCTION app.purge_sends FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.purge_sends TO parley_platform;
