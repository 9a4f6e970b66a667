-- A log whose start was purged cannot be verified without its summary.
DO $$
BEGIN
  IF EXISTS (SELECT FROM audit_summaries) OR EXISTS (SELECT FROM platform_audit_summaries) THEN
    RAISE EXCEPTION 'audit records were purged: without their summaries the logs cannot be verified';
  END IF;
END
$$;
DROP FUNCTION IF EXISTS app.tenants_with_old_audit_records(uuid, timestamptz, integer);
DROP FUNCTION IF EXISTS app.purge_audit_records(uuid, bigint, timestamptz, bigint, bytea, bigint, bigint, bigint, timestamptz, timestamptz, text, bytea);
CREATE OR REPLACE FUNCTION app.refuse_change() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN RAISE EXCEPTION 'audit records are never changed or deleted'; END $$;
DROP TABLE platform_audit_summaries;
DROP TABLE audit_summaries;
