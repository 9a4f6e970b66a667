-- Records carry a MAC from the moment they are written, and the operators' log is sealed as those of tenants are.
--
-- Only additions: servers of the previous version write records without a MAC and seals without a provenance until they are
-- replaced. The constraints are not checked for existing rows, whose new columns are null: that would read the whole tables while
-- they are locked.

-- The id of the key-encryption key that the MAC's key is derived from, and the MAC. Null for records of earlier versions.
ALTER TABLE audit_records ADD COLUMN mac_key_id text, ADD COLUMN mac bytea;
ALTER TABLE audit_records ADD CONSTRAINT audit_records_mac_check
  CHECK ((mac IS NULL) = (mac_key_id IS NULL) AND length(mac) = 32) NOT VALID;
ALTER TABLE platform_audit_records ADD COLUMN mac_key_id text, ADD COLUMN mac bytea;
ALTER TABLE platform_audit_records ADD CONSTRAINT platform_audit_records_mac_check
  CHECK ((mac IS NULL) = (mac_key_id IS NULL) AND length(mac) = 32) NOT VALID;

-- Whether the MAC matched when the record was sealed. Null for seals of earlier versions.
ALTER TABLE audit_seals ADD COLUMN provenance text;
ALTER TABLE audit_seals ADD CONSTRAINT audit_seals_provenance_check
  CHECK (provenance IN ('signed', 'unsigned', 'forged')) NOT VALID;

-- As audit_unsealed and audit_seals, for the operators' log.
CREATE TABLE platform_audit_unsealed (
  record_id uuid PRIMARY KEY
);
SELECT app.open_to_platform('platform_audit_unsealed', 'SELECT, INSERT, DELETE');
CREATE POLICY owner_maintenance ON platform_audit_unsealed FOR ALL TO parley_owner USING (true) WITH CHECK (true);

CREATE TABLE platform_audit_seals (
  sequence   bigint PRIMARY KEY CHECK (sequence > 0),
  record_id  uuid NOT NULL UNIQUE,
  key_id     text NOT NULL,
  hash       bytea NOT NULL CHECK (length(hash) = 32),
  sealed_at  timestamptz NOT NULL,
  provenance text NOT NULL CHECK (provenance IN ('signed', 'unsigned', 'forged'))
);
SELECT app.open_to_platform('platform_audit_seals', 'SELECT, INSERT');
CREATE POLICY owner_maintenance ON platform_audit_seals FOR ALL TO parley_owner USING (true) WITH CHECK (true);
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON platform_audit_seals FOR EACH ROW EXECUTE FUNCTION app.refuse_change();
CREATE TRIGGER is_not_emptied BEFORE TRUNCATE ON platform_audit_seals FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change();

-- A trigger, since servers of the previous version do not know that records of this log are sealed.
CREATE FUNCTION app.queue_for_sealing() RETURNS trigger
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    INSERT INTO public.platform_audit_unsealed (record_id) VALUES (NEW.id);
    RETURN NULL;
  END
  $$;
REVOKE ALL ON FUNCTION app.queue_for_sealing FROM PUBLIC;
CREATE TRIGGER is_queued_for_sealing AFTER INSERT ON platform_audit_records
  FOR EACH ROW EXECUTE FUNCTION app.queue_for_sealing();
INSERT INTO platform_audit_unsealed (record_id) SELECT id FROM platform_audit_records;
