-- WhatsApp accounts and webhook events.

CREATE TABLE whatsapp_accounts (
  tenant_id            uuid NOT NULL REFERENCES tenants (id),
  id                   uuid NOT NULL,
  app_id               text NOT NULL,
  phone_number_id      text NOT NULL,
  waba_id              text NOT NULL,
  display_phone_number text,
  name                 text,
  status               text NOT NULL CHECK (status IN ('pending', 'active', 'disconnected')),
  created_at           timestamptz NOT NULL,
  updated_at           timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX whatsapp_accounts_newest_idx ON whatsapp_accounts (tenant_id, created_at DESC, id DESC);
-- Must be created before the next index: Postgres reports the first violated one, and a tenant that connects its own number
-- twice gets a different error than one that connects another tenant's.
CREATE UNIQUE INDEX whatsapp_accounts_own_number_key ON whatsapp_accounts (tenant_id, app_id, phone_number_id)
  WHERE status <> 'disconnected';
-- Without tenant_id on purpose: the messages of a number go to one tenant only.
CREATE UNIQUE INDEX whatsapp_accounts_active_number_key ON whatsapp_accounts (app_id, phone_number_id)
  WHERE status = 'active';
-- Routes events that name no phone number.
CREATE INDEX whatsapp_accounts_waba_idx ON whatsapp_accounts (app_id, waba_id) WHERE status = 'active';
SELECT app.protect_tenant_table('whatsapp_accounts', 'SELECT, INSERT, UPDATE');
SELECT app.open_to_platform('whatsapp_accounts', 'SELECT, UPDATE');

-- A narrow table, since status changes often: updating a wide row would write ten times as much WAL. The payload is in
-- webhook_payloads. tenant_id is null while no account has the number. No foreign keys: the ids come from
-- whatsapp_accounts in the same statement, accounts are never deleted, and this is the table with the most writes.
CREATE TABLE webhook_events (
  id              uuid PRIMARY KEY,
  tenant_id       uuid,
  account_id      uuid,
  app_id          text NOT NULL,
  kind            text NOT NULL,
  dedupe_key      text NOT NULL,
  status          text NOT NULL CHECK (status IN ('received', 'retrying', 'processed', 'dead_letter', 'discarded', 'unroutable', 'held')),
  attempts        integer NOT NULL DEFAULT 0,
  replay_seq      integer NOT NULL DEFAULT 0,
  starts          integer NOT NULL DEFAULT 0,
  received_at     timestamptz NOT NULL,
  processed_at    timestamptz,
  next_attempt_at timestamptz,
  error_class     text,
  last_error      text,
  traceparent     text,
  -- Set only while the event is unroutable: used to find its account once that is connected.
  phone_number_id text,
  waba_id         text,
  -- Unique per app, not per tenant: one app must not be able to suppress the events of another.
  CONSTRAINT webhook_events_app_id_dedupe_key_key UNIQUE (app_id, dedupe_key),
  -- An event that is to be processed has a tenant.
  CHECK (CASE status WHEN 'unroutable' THEN tenant_id IS NULL
                     WHEN 'dead_letter' THEN true
                     WHEN 'discarded' THEN true
                     ELSE tenant_id IS NOT NULL END)
) WITH (fillfactor = 70);
CREATE INDEX webhook_events_tenant_idx ON webhook_events (tenant_id, received_at DESC, id DESC);
CREATE INDEX webhook_events_dead_letter_idx ON webhook_events (tenant_id, received_at DESC, id DESC)
  WHERE status = 'dead_letter';
CREATE INDEX webhook_events_unroutable_idx ON webhook_events (app_id, phone_number_id) WHERE status = 'unroutable';

CREATE TABLE webhook_payloads (
  event_id  uuid PRIMARY KEY,
  tenant_id uuid,
  -- Not jsonb: that rejects some payloads of Meta's and does not keep the bytes of the others.
  body      bytea NOT NULL
);

-- One row for each event that is not finished yet.
CREATE TABLE webhook_outbox (
  event_id      uuid PRIMARY KEY,
  tenant_id     uuid,
  publish_count integer NOT NULL DEFAULT 0,
  not_before    timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX webhook_outbox_due_idx ON webhook_outbox (not_before);

SELECT app.protect_tenant_table('webhook_events', 'SELECT, UPDATE');
SELECT app.protect_tenant_table('webhook_payloads', 'SELECT');
SELECT app.protect_tenant_table('webhook_outbox', 'SELECT, INSERT, UPDATE, DELETE');
SELECT app.open_to_platform('webhook_events', 'SELECT, INSERT, UPDATE, DELETE');
SELECT app.open_to_platform('webhook_payloads', 'SELECT, INSERT, UPDATE, DELETE');
SELECT app.open_to_platform('webhook_outbox', 'SELECT, INSERT, UPDATE, DELETE');
