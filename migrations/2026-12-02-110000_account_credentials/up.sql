-- What sending for a number needs: its settings, its secrets, and what Meta says of them.

ALTER TABLE whatsapp_accounts
  -- Messages in a second at most.
  ADD COLUMN throughput smallint NOT NULL DEFAULT 80 CHECK (throughput BETWEEN 1 AND 1000),
  ADD COLUMN send_read_receipts boolean NOT NULL DEFAULT false;

-- An account has a row if it has, or had, a secret.
CREATE TABLE account_credentials (
  tenant_id                uuid NOT NULL REFERENCES tenants (id),
  account_id               uuid NOT NULL,
  -- Each secret is sealed for this row and column; *_sealed_with is the id of the key-encryption key.
  access_token_sealed      bytea,
  access_token_sealed_with text,
  -- When it was entered: tells tokens apart.
  access_token_set_at      timestamptz,
  two_step_pin_sealed      bytea,
  two_step_pin_sealed_with text,
  -- What Meta explicitly said. Null: the token does not end, it was not refused, Meta has not said.
  token_expires_at         timestamptz,
  token_refusal            text,
  registered               boolean,
  last_check               jsonb CHECK (jsonb_typeof(last_check) = 'object'),
  -- When Meta is to be asked again; null without a token.
  check_due_at             timestamptz,
  updated_at               timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, account_id),
  FOREIGN KEY (tenant_id, account_id) REFERENCES whatsapp_accounts (tenant_id, id),
  CHECK ((access_token_sealed IS NULL) = (access_token_sealed_with IS NULL)),
  CHECK ((access_token_sealed IS NULL) = (access_token_set_at IS NULL)),
  CHECK ((access_token_sealed IS NULL) = (check_due_at IS NULL)),
  CHECK (access_token_sealed IS NOT NULL OR (token_expires_at IS NULL AND token_refusal IS NULL)),
  CHECK ((two_step_pin_sealed IS NULL) = (two_step_pin_sealed_with IS NULL))
);
CREATE INDEX account_credentials_due_idx ON account_credentials (tenant_id, check_due_at) WHERE check_due_at IS NOT NULL;
SELECT app.protect_tenant_table('account_credentials', 'SELECT, INSERT, UPDATE, DELETE');
-- Not the secrets: the platform role looks for what is due, and for what is to be sealed with another key.
SELECT app.open_to_platform('account_credentials',
  'SELECT (tenant_id, account_id, access_token_sealed_with, two_step_pin_sealed_with, token_expires_at, token_refusal, registered,
           last_check, check_due_at)');
