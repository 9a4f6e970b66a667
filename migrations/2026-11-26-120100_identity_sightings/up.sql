-- That a user id and a number are one person's, told beside something that makes nobody a contact, such as the status of a
-- message. Kept for a while, until somebody is known by one of them.
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
