-- Meta apps of tenants, health and disconnection of WhatsApp accounts.

CREATE TABLE meta_apps (
  tenant_id                       uuid NOT NULL REFERENCES tenants (id),
  id                              uuid NOT NULL,
  -- Part of the webhook's URL. Random, so that it is unique, cannot be guessed and is never used again.
  key                             text NOT NULL,
  -- Meta's id of the app.
  app_id                          text NOT NULL,
  name                            text,
  -- Each secret is sealed for this row and column; *_sealed_with is the id of the key-encryption key.
  app_secret_sealed               bytea NOT NULL,
  app_secret_sealed_with          text NOT NULL,
  previous_app_secret_sealed      bytea,
  previous_app_secret_sealed_with text,
  verify_token_sealed             bytea NOT NULL,
  verify_token_sealed_with        text NOT NULL,
  created_at                      timestamptz NOT NULL,
  updated_at                      timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  -- Never 'deployment', which is the key of the deployment's own app.
  CHECK (key ~ '^[0-9a-f]{40}$'),
  CHECK ((previous_app_secret_sealed IS NULL) = (previous_app_secret_sealed_with IS NULL))
);
-- Without tenant_id on purpose: Meta's webhook request identifies the app only.
CREATE UNIQUE INDEX meta_apps_key_key ON meta_apps (key);
CREATE INDEX meta_apps_newest_idx ON meta_apps (tenant_id, created_at DESC, id DESC);
SELECT app.protect_tenant_table('meta_apps', 'SELECT, INSERT, UPDATE, DELETE');
SELECT app.open_to_platform('meta_apps', 'SELECT');

-- An account that Meta disconnected is reconnected when Meta reports it; one that the tenant disconnected is not.
-- health has what Meta reported about the number: topic -> {at, detail}.
ALTER TABLE whatsapp_accounts
  ADD COLUMN disconnected_by text CHECK (disconnected_by IN ('tenant', 'meta')),
  ADD COLUMN health jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(health) = 'object');
UPDATE whatsapp_accounts SET disconnected_by = 'tenant' WHERE status = 'disconnected';
ALTER TABLE whatsapp_accounts
  ADD CONSTRAINT whatsapp_accounts_disconnected_by_somebody CHECK ((status = 'disconnected') = (disconnected_by IS NOT NULL));

-- Routes events that name no phone number, also to accounts that Meta disconnected.
DROP INDEX whatsapp_accounts_waba_idx;
CREATE INDEX whatsapp_accounts_waba_idx ON whatsapp_accounts (app_id, waba_id)
  WHERE status = 'active' OR disconnected_by = 'meta';
