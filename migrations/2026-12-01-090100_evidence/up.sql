-- What a tenant sees of its deliveries and handshakes. Only additions: servers of the previous version leave the columns empty.

-- When Meta disconnected the account: when the event that says so was received. A delivery that was received later proves that
-- the account is connected. Null: unknown, or not disconnected by Meta.
ALTER TABLE whatsapp_accounts
  ADD COLUMN disconnected_at timestamptz,
  ADD COLUMN last_delivery_at timestamptz,
  ADD COLUMN last_delivery_kind text;

-- The last time that Meta verified the webhook, with the app's verify token and with another one.
ALTER TABLE meta_apps
  ADD COLUMN handshake_succeeded_at timestamptz,
  ADD COLUMN handshake_failed_at timestamptz;
GRANT UPDATE (handshake_succeeded_at, handshake_failed_at) ON meta_apps TO parley_platform;
