-- Replaces the records of a log up to a position by their summary, and returns their number; 0 if others than those up to
-- `purged_before` were purged meanwhile. Without a tenant it purges the operators' log. SECURITY DEFINER, since no role may delete
-- audit records: this function deletes only sealed ones, from the start of the chain on, that are older than the given time and
-- than 30 days by the database's own clock, and never the last seal. It cannot check the MAC, whose key is not in the database:
-- verification of the log does.
CREATE OR REPLACE FUNCTION app.purge_audit_records(
    of_tenant uuid, purged_before bigint, older_than timestamptz, last_sequence bigint, last_hash bytea, all_records bigint,
    all_unsigned bigint, all_forged bigint, first_time timestamptz, last_time timestamptz, summary_key_id text, summary_mac bytea)
  RETURNS bigint
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    summaries text := 'public.audit_summaries';
    seals     text := 'public.audit_seals';
    records   text := 'public.audit_records';
    -- The condition on rows of the log, by the alias of their table, and what identifies its summary.
    own       text := '%s.tenant_id = $1';
    log_key   text := 'tenant_id';
    log_value text := '$1';
    summarised bigint;
    purgeable  bigint;
    purged     bigint;
  BEGIN
    IF older_than IS NULL OR older_than > now() - interval '30 days' THEN
      RAISE EXCEPTION 'audit records of the last 30 days are not purged';
    END IF;
    IF of_tenant IS NULL THEN
      summaries := 'public.platform_audit_summaries';
      seals := 'public.platform_audit_seals';
      records := 'public.platform_audit_records';
      own := '$1 IS NULL';
      log_key := 'is_only';
      log_value := 'true';
    END IF;
    -- The lock of the sealer.
    PERFORM pg_advisory_xact_lock(hashtextextended('parley.audit.' || coalesce(of_tenant::text, 'platform'), 0));
    EXECUTE format('SELECT coalesce(max(m.sequence), 0) FROM %s m WHERE ' || own, summaries, 'm') INTO summarised USING of_tenant;
    IF summarised <> purged_before THEN
      RETURN 0;
    END IF;
    EXECUTE 'SELECT count(*) FROM ' || seals || ' s JOIN ' || records || ' r ON r.id = s.record_id AND ' || format(own, 'r')
         || ' WHERE ' || format(own, 's')
         || ' AND s.sequence > $2 AND s.sequence <= $3 AND s.sealed_at < $4 AND r.occurred_at < $4'
      INTO purgeable USING of_tenant, summarised, last_sequence, older_than;
    IF last_sequence <= summarised OR purgeable <> last_sequence - summarised OR all_records <> last_sequence THEN
      RAISE EXCEPTION 'only sealed audit records at the start of a log that are old enough are purged';
    END IF;
    EXECUTE 'SELECT count(*) FROM (SELECT s.sequence, s.hash FROM ' || seals || ' s WHERE ' || format(own, 's')
         || ' AND s.sequence >= $2 ORDER BY s.sequence LIMIT 2) e WHERE e.sequence > $2 OR e.hash = $3'
      INTO purgeable USING of_tenant, last_sequence, last_hash;
    IF purgeable <> 2 THEN
      RAISE EXCEPTION 'a summary of audit records has the hash of its last seal, and another seal follows';
    END IF;
    EXECUTE format(
      'INSERT INTO %1$s (%2$s, sequence, hash, records, unsigned, forged, first_at, last_at, mac_key_id, mac)
       SELECT %3$s, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM (SELECT $1) AS log
       ON CONFLICT (%2$s) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash, records = excluded.records,
         unsigned = excluded.unsigned, forged = excluded.forged, first_at = excluded.first_at, last_at = excluded.last_at,
         mac_key_id = excluded.mac_key_id, mac = excluded.mac', summaries, log_key, log_value)
      USING of_tenant, last_sequence, last_hash, all_records, all_unsigned, all_forged, first_time, last_time, summary_key_id,
        summary_mac;
    -- Records first: the trigger finds their positions by their seals.
    EXECUTE 'DELETE FROM ' || records || ' r USING ' || seals || ' s WHERE ' || format(own, 'r') || ' AND ' || format(own, 's')
         || ' AND s.record_id = r.id AND s.sequence > $2 AND s.sequence <= $3'
      USING of_tenant, summarised, last_sequence;
    GET DIAGNOSTICS purged = ROW_COUNT;
    EXECUTE 'DELETE FROM ' || seals || ' s WHERE ' || format(own, 's') || ' AND s.sequence > $2 AND s.sequence <= $3'
      USING of_tenant, summarised, last_sequence;
    RETURN purged;
  END
  $$;
REVOKE ALL ON FUNCTION app.purge_audit_records FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.purge_audit_records TO parley_platform;
