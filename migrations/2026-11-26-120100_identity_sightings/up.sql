-- Pairs of user id and phone number that belong to one person, learned from events that create no contact, such as message
-- statuses. Kept for a limited time, until a contact has one of the two.
CREATE TABLE identity_sightings (
  tenant_id  uuid NOT NULL REFERENCES tenants (id),
  scope      text NOT NULL,
  bsuid      text NOT NULL,
  phone      text NOT NULL,
  seen_at    timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, scope, bsuid, phone)
);
CREATE INDEX identity_sightings_phone_idx ON identity_sightings (tenant_id, phone);
CREATE INDEX identity_sightings_created_idx ON identity_sightings (tenant_id, created_at);
SELECT app.protect_tenant_table('identity_sightings', 'SELECT, INSERT, UPDATE, DELETE');
