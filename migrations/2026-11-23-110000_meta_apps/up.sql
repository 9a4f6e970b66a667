-- Meta apps of tenants' own, and how an account of theirs ends.

CREATE TABLE meta_apps (
  tenant_id                       uuid NOT NULL REFERENCES tenants (id),
  id                              uuid NOT NULL,
  -- What its webhook is called by. Drawn at random, so it is unique, cannot be guessed and never comes again.
  key                             text NOT NULL,
  -- Meta's own id of it.
  app_id                          text NOT NULL,
  name                            text,
  -- Each sealed for this row and column; which key-encryption key did it stands beside it.
  app_secret_sealed               bytea NOT NULL,
  app_secret_sealed_with          text NOT NULL,
  previous_app_secret_sealed      bytea,
  previous_app_secret_sealed_with text,
  verify_token_sealed             bytea NOT NULL,
  verify_token_sealed_with        text NOT NULL,
  created_at                      timestamptz NOT NULL,
  updated_at                      timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  -- Not 'deployment': that is what accounts and events of the deployment's own app say.
  CHECK (key ~ '^[0-9a-f]{40}$'),
  CHECK ((previous_app_secret_sealed IS NULL) = (previous_app_secret_sealed_with IS NULL))
);
-- Without the tenant on purpose: Meta's callback names the app alone.
CREATE UNIQUE INDEX meta_apps_key_key ON meta_apps (key);
CREATE INDEX meta_apps_newest_idx ON meta_apps (tenant_id, created_at DESC, id DESC);
SELECT app.protect_tenant_table('meta_apps', 'SELECT, INSERT, UPDATE, DELETE');
SELECT app.open_to_platform('meta_apps', 'SELECT');

-- An account that Meta took away may come back by Meta's word; one that its tenant gave up may not.
-- What Meta says about the number: topic -> {at, detail}.
ALTER TABLE whatsapp_accounts
  ADD COLUMN disconnected_by text CHECK (disconnected_by IN ('tenant', 'meta')),
  ADD COLUMN health jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(health) = 'object');
UPDATE whatsapp_accounts SET disconnected_by = 'tenant' WHERE status = 'disconnected';
ALTER TABLE whatsapp_accounts
  ADD CONSTRAINT whatsapp_accounts_disconnected_by_somebody CHECK ((status = 'disconnected') = (disconnected_by IS NOT NULL));

-- Routes what names no phone number, also to who is waiting for Meta's word.
DROP INDEX whatsapp_accounts_waba_idx;
CREATE INDEX whatsapp_accounts_waba_idx ON whatsapp_accounts (app_id, waba_id)
  WHERE status = 'active' OR disconnected_by = 'meta';
