-- Invoices of ended periods. Written once; later only status and paid_at change.
CREATE TABLE invoices (
  tenant_id    uuid NOT NULL REFERENCES tenants (id),
  id           uuid NOT NULL,
  -- 1, 2, 3, ... for each tenant, without gaps.
  number       bigint NOT NULL CHECK (number > 0),
  plan_code    text NOT NULL,
  period_start date NOT NULL,
  period_end   date NOT NULL,
  currency     text NOT NULL,
  total_minor  bigint NOT NULL CHECK (total_minor >= 0),
  status       text NOT NULL CHECK (status IN ('open', 'paid')),
  closed_at    timestamptz NOT NULL,
  due_at       timestamptz NOT NULL,
  paid_at      timestamptz,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT invoices_tenant_id_number_key UNIQUE (tenant_id, number),
  CONSTRAINT invoices_tenant_id_period_start_key UNIQUE (tenant_id, period_start),
  CHECK (period_end > period_start),
  CHECK ((status = 'paid') = (paid_at IS NOT NULL))
);
CREATE INDEX invoices_latest_idx ON invoices (tenant_id, closed_at DESC, id DESC);
CREATE INDEX invoices_unpaid_idx ON invoices (due_at) WHERE status = 'open';
SELECT app.protect_tenant_table('invoices', 'SELECT, INSERT');
GRANT UPDATE (status, paid_at) ON invoices TO parley_app;

CREATE TABLE invoice_lines (
  tenant_id        uuid NOT NULL,
  invoice_id       uuid NOT NULL,
  position         integer NOT NULL CHECK (position > 0),
  description      text NOT NULL,
  quantity         bigint NOT NULL CHECK (quantity >= 0),
  unit_price_minor bigint NOT NULL CHECK (unit_price_minor >= 0),
  amount_minor     bigint NOT NULL,
  PRIMARY KEY (tenant_id, invoice_id, position),
  FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id),
  CHECK (amount_minor = quantity * unit_price_minor)
);
SELECT app.protect_tenant_table('invoice_lines', 'SELECT, INSERT');

-- Ids of tenants that need a billing run: their period ended before the given day, or an unpaid invoice is due. SECURITY
-- DEFINER, since the platform role may not read the billing tables; it returns ids only, in order.
CREATE FUNCTION app.tenants_to_bill(before_day date, at timestamptz, after uuid, most integer) RETURNS TABLE (tenant_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog
  AS $$
    SELECT due.tenant_id
      FROM (SELECT s.tenant_id FROM public.subscriptions s WHERE s.status <> 'canceled' AND s.period_end <= before_day
            UNION
            SELECT i.tenant_id FROM public.invoices i JOIN public.subscriptions s ON s.tenant_id = i.tenant_id
             WHERE i.status = 'open' AND i.due_at <= at AND s.status = 'active') due
     WHERE due.tenant_id > after
     ORDER BY due.tenant_id
     LIMIT most
  $$;
REVOKE ALL ON FUNCTION app.tenants_to_bill(date, timestamptz, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.tenants_to_bill(date, timestamptz, uuid, integer) TO parley_platform;
