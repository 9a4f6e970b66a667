-- What tenants pay for.

-- The catalogue is the same for all, so it has no row level security; operators change it. Amounts are in the currency's
-- minor unit.
CREATE TABLE plans (
  code                text PRIMARY KEY,
  name                text NOT NULL,
  currency            text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  monthly_price_minor bigint NOT NULL CHECK (monthly_price_minor >= 0),
  included_messages   bigint NOT NULL CHECK (included_messages >= 0),
  message_price_minor bigint NOT NULL CHECK (message_price_minor >= 0),
  -- Whether it can still be chosen. Who has it keeps it.
  available           boolean NOT NULL DEFAULT true,
  created_at          timestamptz NOT NULL,
  updated_at          timestamptz NOT NULL,
  CHECK (code <> 'trial' OR (monthly_price_minor = 0 AND message_price_minor = 0 AND available))
);
GRANT SELECT ON plans TO parley_app;
GRANT SELECT, INSERT, UPDATE ON plans TO parley_platform;

INSERT INTO plans (code, name, currency, monthly_price_minor, included_messages, message_price_minor, created_at, updated_at)
VALUES
  ('trial', 'Trial', 'EUR', 0, 1000, 0, now(), now()),
  ('starter', 'Starter', 'EUR', 1900, 1000, 2, now(), now()),
  ('business', 'Business', 'EUR', 9900, 10000, 1, now(), now());

-- One for each tenant. It has the plan as it was when the running period began: another price in the catalogue holds from
-- the next period on.
CREATE TABLE subscriptions (
  tenant_id            uuid PRIMARY KEY REFERENCES tenants (id),
  plan_code            text NOT NULL REFERENCES plans (code),
  plan_name            text NOT NULL,
  currency             text NOT NULL,
  monthly_price_minor  bigint NOT NULL CHECK (monthly_price_minor >= 0),
  included_messages    bigint NOT NULL CHECK (included_messages >= 0),
  message_price_minor  bigint NOT NULL CHECK (message_price_minor >= 0),
  next_plan_code       text REFERENCES plans (code),
  cancel_at_period_end boolean NOT NULL DEFAULT false,
  status               text NOT NULL CHECK (status IN ('trialing', 'active', 'past_due', 'canceled')),
  -- The day that months are counted from: periods that begin on the 31st do so again after a February.
  anchor               date NOT NULL,
  -- From the beginning of this day in UTC,
  period_start         date NOT NULL,
  -- to the beginning of this one.
  period_end           date NOT NULL,
  version              bigint NOT NULL DEFAULT 1,
  created_at           timestamptz NOT NULL,
  updated_at           timestamptz NOT NULL,
  CHECK (period_end > period_start)
);
CREATE INDEX subscriptions_period_end_idx ON subscriptions (period_end) WHERE status <> 'canceled';
SELECT app.protect_tenant_table('subscriptions', 'SELECT, INSERT, UPDATE');

-- Who was here before begins with a trial, too.
INSERT INTO subscriptions (tenant_id, plan_code, plan_name, currency, monthly_price_minor, included_messages,
  message_price_minor, status, anchor, period_start, period_end, created_at, updated_at)
SELECT t.id, p.code, p.name, p.currency, p.monthly_price_minor, p.included_messages, p.message_price_minor, 'trialing',
       today.day, today.day, (today.day + interval '1 month')::date, now(), now()
  FROM tenants t
  CROSS JOIN (SELECT (now() AT TIME ZONE 'UTC')::date AS day) today
  JOIN plans p ON p.code = 'trial';
