-- Copies of the message templates that a tenant's business accounts have at Meta, one row per language.
CREATE TABLE templates (
  tenant_id   uuid NOT NULL REFERENCES tenants (id),
  id          uuid NOT NULL,
  -- Meta's ids of the business account and of the template.
  waba_id     text NOT NULL,
  meta_id     text NOT NULL,
  name        text NOT NULL,
  -- As en_US.
  language    text NOT NULL,
  category    text NOT NULL CHECK (category IN ('marketing', 'utility', 'authentication', 'other')),
  status      text NOT NULL CHECK (status IN ('approved', 'pending', 'rejected', 'paused', 'disabled', 'flagged', 'in_appeal',
                                              'pending_deletion', 'deleted', 'limit_exceeded', 'archived', 'locked', 'other')),
  quality     text NOT NULL CHECK (quality IN ('green', 'yellow', 'red', 'unknown')),
  rejection_reason text,
  format      text NOT NULL CHECK (format IN ('positional', 'named')),
  -- JSON as text: jsonb refuses some characters that Meta accepts.
  components  text NOT NULL,
  -- When it was edited here, oldest first: Meta limits edits.
  edited_at   timestamptz[] NOT NULL DEFAULT '{}',
  -- The time of the last event that is in this row, and of the last list or answer of Meta's.
  event_at    timestamptz,
  synced_at   timestamptz NOT NULL,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, waba_id, meta_id)
);
CREATE INDEX templates_name_idx ON templates (tenant_id, waba_id, name, language);
CREATE INDEX templates_list_idx ON templates (tenant_id, created_at, id);
SELECT app.protect_tenant_table('templates', 'SELECT, INSERT, UPDATE, DELETE');

-- When the templates of a business account are to be read from Meta again.
CREATE TABLE template_syncs (
  tenant_id    uuid NOT NULL REFERENCES tenants (id),
  waba_id      text NOT NULL,
  due_at       timestamptz NOT NULL,
  synced_at    timestamptz,
  -- When templates of one name were last read because a message had been refused.
  refreshed_at timestamptz,
  PRIMARY KEY (tenant_id, waba_id)
);
CREATE INDEX template_syncs_due_idx ON template_syncs (tenant_id, due_at);
SELECT app.protect_tenant_table('template_syncs', 'SELECT, INSERT, UPDATE, DELETE');
-- Finds the tenants with due syncs.
SELECT app.open_to_platform('template_syncs', 'SELECT');
