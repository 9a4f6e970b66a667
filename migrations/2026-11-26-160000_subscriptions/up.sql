-- Plans and subscriptions.

-- The same for all tenants, therefore without row level security. Changed by operators. Amounts are in the currency's minor
-- unit.
CREATE TABLE plans (
  code                text PRIMARY KEY,
  name                text NOT NULL,
  currency            text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  monthly_price_minor bigint NOT NULL CHECK (monthly_price_minor >= 0),
  included_messages   bigint NOT NULL CHECK (included_messages >= 0),
  message_price_minor bigint NOT NULL CHECK (message_price_minor >= 0),
  -- Whether new subscriptions may select the plan. Existing ones keep it.
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

-- One for each tenant. It has a copy of the plan as of the start of the current period: a changed price takes effect with the
-- next period.
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
  -- The date from which months are counted, so that periods that begin on the 31st do so again after a February.
  anchor               date NOT NULL,
  -- Start of the current period: the beginning of this day in UTC.
  period_start         date NOT NULL,
  -- End of the current period (exclusive): the beginning of this day in UTC.
  period_end           date NOT NULL,
  version              bigint NOT NULL DEFAULT 1,
  created_at           timestamptz NOT NULL,
  updated_at           timestamptz NOT NULL,
  CHECK (period_end > period_start)
);
CREATE INDEX subscriptions_period_end_idx ON subscriptions (period_end) WHERE status <> 'canceled';
SELECT app.protect_tenant_table('subscriptions', 'SELECT, INSERT, UPDATE');

-- Existing tenants get a trial, too.
INSERT INTO subscriptions (tenant_id, plan_code, plan_name, currency, monthly_price_minor, included_messages,
  message_price_minor, status, anchor, period_start, period_end, created_at, updated_at)
SELECT t.id, p.code, p.name, p.currency, p.monthly_price_minor, p.included_messages, p.message_price_minor, 'trialing',
       today.day, today.day, (today.day + interval '1 month')::date, now(), now()
  FROM tenants t
  CROSS JOIN (SELECT (now() AT TIME ZONE 'UTC')::date AS day) today
  JOIN plans p ON p.code = 'trial';
