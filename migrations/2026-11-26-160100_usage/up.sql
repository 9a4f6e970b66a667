-- Usage: inbound messages and active contacts per tenant and day (UTC).

-- The counters of a day are split into slots, one per connection as far as possible, so that workers of one tenant do not wait
-- for each other's row locks. The sum of the slots is the value of the day.
CREATE TABLE usage_days (
  tenant_id        uuid NOT NULL REFERENCES tenants (id),
  day              date NOT NULL,
  slot             smallint NOT NULL,
  inbound_messages bigint NOT NULL CHECK (inbound_messages >= 0),
  active_contacts  bigint NOT NULL CHECK (active_contacts >= 0),
  PRIMARY KEY (tenant_id, day, slot)
) WITH (fillfactor = 70);
SELECT app.protect_tenant_table('usage_days', 'SELECT, INSERT, UPDATE');

-- Contacts that sent a message on a day. No foreign key: a contact counts as active even if it is deleted later.
CREATE TABLE usage_contacts (
  tenant_id  uuid NOT NULL REFERENCES tenants (id),
  day        date NOT NULL,
  contact_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, day, contact_id)
);
SELECT app.protect_tenant_table('usage_contacts', 'SELECT, INSERT');
