-- What is metered: inbound messages and active contacts of a tenant and day, in UTC.

-- A day is spread over slots, one for each connection as far as they go, so that workers of one tenant do not wait for each
-- other's transactions; the day is their sum.
CREATE TABLE usage_days (
  tenant_id        uuid NOT NULL REFERENCES tenants (id),
  day              date NOT NULL,
  slot             smallint NOT NULL,
  inbound_messages bigint NOT NULL CHECK (inbound_messages >= 0),
  active_contacts  bigint NOT NULL CHECK (active_contacts >= 0),
  PRIMARY KEY (tenant_id, day, slot)
) WITH (fillfactor = 70);
SELECT app.protect_tenant_table('usage_days', 'SELECT, INSERT, UPDATE');

-- Who wrote on a day. No foreign key: that somebody was active stays true when the contact is gone.
CREATE TABLE usage_contacts (
  tenant_id  uuid NOT NULL REFERENCES tenants (id),
  day        date NOT NULL,
  contact_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, day, contact_id)
);
SELECT app.protect_tenant_table('usage_contacts', 'SELECT, INSERT');
