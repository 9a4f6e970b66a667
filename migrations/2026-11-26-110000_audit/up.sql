-- Who did what. Records are added and read, by nobody changed: not by the roles that serve requests, which may not, and not
-- by the owner, whom a trigger stops.

CREATE FUNCTION app.refuse_change() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = pg_catalog
  AS $$ BEGIN RAISE EXCEPTION 'audit records are never changed or deleted'; END $$;
REVOKE ALL ON FUNCTION app.refuse_change() FROM PUBLIC;

CREATE TABLE audit_records (
  tenant_id   uuid NOT NULL REFERENCES tenants (id),
  id          uuid NOT NULL,
  occurred_at timestamptz NOT NULL,
  actor_kind  text NOT NULL,
  actor_id    text,
  address     text,
  request_id  text,
  action      text NOT NULL,
  target_kind text,
  target_id   text,
  outcome     text NOT NULL,
  changes     jsonb NOT NULL CHECK (jsonb_typeof(changes) = 'object'),
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX audit_records_latest_idx ON audit_records (tenant_id, occurred_at DESC, id DESC);
SELECT app.protect_tenant_table('audit_records', 'SELECT, INSERT');

-- The operators' own.
CREATE TABLE platform_audit_records (
  id          uuid PRIMARY KEY,
  occurred_at timestamptz NOT NULL,
  actor_kind  text NOT NULL,
  actor_id    text,
  address     text,
  request_id  text,
  action      text NOT NULL,
  target_kind text,
  target_id   text,
  outcome     text NOT NULL,
  changes     jsonb NOT NULL CHECK (jsonb_typeof(changes) = 'object')
);
CREATE INDEX platform_audit_records_latest_idx ON platform_audit_records (occurred_at DESC, id DESC);
SELECT app.open_to_platform('platform_audit_records', 'SELECT, INSERT');
CREATE POLICY owner_maintenance ON platform_audit_records FOR ALL TO parley_owner USING (true) WITH CHECK (true);

CREATE TRIGGER audit_records_stay BEFORE UPDATE OR DELETE ON audit_records
  FOR EACH ROW EXECUTE FUNCTION app.refuse_change();
CREATE TRIGGER audit_records_are_not_truncated BEFORE TRUNCATE ON audit_records
  FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change();
CREATE TRIGGER platform_audit_records_stay BEFORE UPDATE OR DELETE ON platform_audit_records
  FOR EACH ROW EXECUTE FUNCTION app.refuse_change();
CREATE TRIGGER platform_audit_records_are_not_truncated BEFORE TRUNCATE ON platform_audit_records
  FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change();
