-- The audit logs. Records are inserted and read, never changed: the roles that serve requests lack the privilege, and a trigger
-- stops the owner.

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
  -- Not jsonb: sealed text must keep its bytes.
  changes     json NOT NULL CHECK (json_typeof(changes) = 'object'),
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX audit_records_latest_idx ON audit_records (tenant_id, occurred_at DESC, id DESC);
SELECT app.protect_tenant_table('audit_records', 'SELECT, INSERT');

-- Records without a seal. A record that is neither here nor in audit_seals was inserted by other means.
CREATE TABLE audit_unsealed (
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  record_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, record_id)
);
SELECT app.protect_tenant_table('audit_unsealed', 'SELECT, INSERT, DELETE');
SELECT app.open_to_platform('audit_unsealed', 'SELECT');

-- A hash chain over a tenant's records: each seal covers its record and the previous seal, under a key that is not in the
-- database. No foreign key to the record: a seal must show that its record is missing.
CREATE TABLE audit_seals (
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  sequence  bigint NOT NULL CHECK (sequence > 0),
  record_id uuid NOT NULL,
  -- Id of the key-encryption key that the seal's key is derived from.
  key_id    text NOT NULL,
  hash      bytea NOT NULL CHECK (length(hash) = 32),
  sealed_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, sequence),
  UNIQUE (tenant_id, record_id)
);
SELECT app.protect_tenant_table('audit_seals', 'SELECT, INSERT');

-- The audit log of operators.
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
  changes     json NOT NULL CHECK (json_typeof(changes) = 'object')
);
CREATE INDEX platform_audit_records_latest_idx ON platform_audit_records (occurred_at DESC, id DESC);
SELECT app.open_to_platform('platform_audit_records', 'SELECT, INSERT');
CREATE POLICY owner_maintenance ON platform_audit_records FOR ALL TO parley_owner USING (true) WITH CHECK (true);

DO $$
DECLARE
  log text;
BEGIN
  FOREACH log IN ARRAY ARRAY['audit_records', 'audit_seals', 'platform_audit_records'] LOOP
    EXECUTE format('CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION app.refuse_change()', log);
    EXECUTE format('CREATE TRIGGER is_not_emptied BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change()', log);
  END LOOP;
END
$$;
