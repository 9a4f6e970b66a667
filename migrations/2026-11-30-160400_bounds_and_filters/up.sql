-- Bounds of tables that grow, and indexes for filters.

-- Whose junk it is: what a tenant's own Meta app signed belongs to the tenant, also if no account has the number.
ALTER TABLE webhook_events DROP CONSTRAINT webhook_events_check;
ALTER TABLE webhook_events ADD CONSTRAINT webhook_events_check
  CHECK (tenant_id IS NOT NULL OR status IN ('unroutable', 'dead_letter', 'discarded')) NOT VALID;

-- Who had a number, and since when: what waited for it goes to that tenant only. Null while an account is pending.
ALTER TABLE whatsapp_accounts ADD COLUMN active_since timestamptz;
UPDATE whatsapp_accounts SET active_since = created_at WHERE status <> 'pending';
CREATE INDEX whatsapp_accounts_holders_idx ON whatsapp_accounts (app_id, phone_number_id, active_since DESC)
  WHERE active_since IS NOT NULL;
CREATE FUNCTION app.note_activation() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    NEW.active_since := coalesce(NEW.active_since, NEW.updated_at);
    RETURN NEW;
  END
  $$;
REVOKE ALL ON FUNCTION app.note_activation FROM PUBLIC;
CREATE TRIGGER notes_activation BEFORE INSERT OR UPDATE ON whatsapp_accounts
  FOR EACH ROW WHEN (NEW.status = 'active' AND NEW.active_since IS NULL) EXECUTE FUNCTION app.note_activation();

-- Finds expired dead letters; those of unroutable events exist.
CREATE INDEX webhook_events_dead_letter_received_idx ON webhook_events (received_at) WHERE status = 'dead_letter';
-- Rows are inserted in the order of their days, so a small index is enough.
CREATE INDEX usage_contacts_day_idx ON usage_contacts USING brin (day);

-- Filters of the list of events ask for one of these states; the others are most of the events.
CREATE INDEX webhook_events_status_idx ON webhook_events (tenant_id, status, received_at DESC, id DESC)
  WHERE status IN ('retrying', 'dead_letter', 'discarded', 'unroutable', 'held');

-- Filters of the audit logs. Nearly all records have the outcome `done`.
CREATE INDEX audit_records_action_idx ON audit_records (tenant_id, action, occurred_at DESC, id DESC);
CREATE INDEX audit_records_actor_idx ON audit_records (tenant_id, actor_id, occurred_at DESC, id DESC) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_records_target_idx ON audit_records (tenant_id, target_id, occurred_at DESC, id DESC) WHERE target_id IS NOT NULL;
CREATE INDEX audit_records_refused_idx ON audit_records (tenant_id, occurred_at DESC, id DESC) WHERE outcome = 'refused';
CREATE INDEX platform_audit_records_action_idx ON platform_audit_records (action, occurred_at DESC, id DESC);
CREATE INDEX platform_audit_records_actor_idx ON platform_audit_records (actor_id, occurred_at DESC, id DESC) WHERE actor_id IS NOT NULL;
CREATE INDEX platform_audit_records_target_idx ON platform_audit_records (target_id, occurred_at DESC, id DESC) WHERE target_id IS NOT NULL;
CREATE INDEX platform_audit_records_refused_idx ON platform_audit_records (occurred_at DESC, id DESC) WHERE outcome = 'refused';
