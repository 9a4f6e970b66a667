-- Old records of the audit logs are replaced by a summary of each log.
--
-- Only additions: servers of the previous version read and seal logs as before. Until they are replaced, they report purged records
-- as missing; nothing else is wrong then.

CREATE TABLE audit_summaries (
  tenant_id  uuid PRIMARY KEY REFERENCES tenants (id),
  -- Position and hash of the last seal that was purged.
  sequence   bigint NOT NULL CHECK (sequence > 0),
  hash       bytea NOT NULL CHECK (length(hash) = 32),
  -- The number of purged records; how many of them had no MAC, and how many were sealed as forged.
  records    bigint NOT NULL CHECK (records > 0),
  unsigned   bigint NOT NULL,
  forged     bigint NOT NULL,
  first_at   timestamptz NOT NULL,
  last_at    timestamptz NOT NULL,
  -- The id of the key-encryption key that the MAC's key is derived from, and the MAC over all of the above.
  mac_key_id text NOT NULL,
  mac        bytea NOT NULL CHECK (length(mac) = 32)
);
SELECT app.protect_tenant_table('audit_summaries', 'SELECT');

-- The same for the operators' log: one row at most.
CREATE TABLE platform_audit_summaries (
  is_only    boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  sequence   bigint NOT NULL CHECK (sequence > 0),
  hash       bytea NOT NULL CHECK (length(hash) = 32),
  records    bigint NOT NULL CHECK (records > 0),
  unsigned   bigint NOT NULL,
  forged     bigint NOT NULL,
  first_at   timestamptz NOT NULL,
  last_at    timestamptz NOT NULL,
  mac_key_id text NOT NULL,
  mac        bytea NOT NULL CHECK (length(mac) = 32)
);
SELECT app.open_to_platform('platform_audit_summaries', 'SELECT');
CREATE POLICY owner_maintenance ON platform_audit_summaries FOR ALL TO parley_owner USING (true) WITH CHECK (true);

-- Only app.purge_audit_records changes them.
DO $$
DECLARE
  summaries text;
BEGIN
  FOREACH summaries IN ARRAY ARRAY['audit_summaries', 'platform_audit_summaries'] LOOP
    EXECUTE format('CREATE TRIGGER stays BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION app.refuse_change()', summaries);
    EXECUTE format('CREATE TRIGGER is_not_emptied BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change()', summaries);
  END LOOP;
END
$$;
