-- How many unusable events each Meta app of a tenant delivered on each day (UTC): events that cannot be parsed, or whose number is
-- not connected. Only an addition: servers of the previous version store such events without counting them.

CREATE TABLE unusable_events (
  tenant_id uuid   NOT NULL REFERENCES tenants (id),
  -- The key of the app, which may have been deleted since.
  app_id    text   NOT NULL,
  day       date   NOT NULL,
  -- Stored events, and the bytes of their payloads.
  events    bigint NOT NULL CHECK (events >= 0),
  bytes     bigint NOT NULL CHECK (bytes >= 0),
  -- Events that were not stored, since the quota was used up.
  dropped   bigint NOT NULL CHECK (dropped >= 0),
  -- The last number that was not connected, and when it was named.
  phone_number_id text,
  number_at timestamptz,
  PRIMARY KEY (tenant_id, app_id, day)
);
-- Finds expired days.
CREATE INDEX unusable_events_day_idx ON unusable_events (day);
SELECT app.protect_tenant_table('unusable_events', 'SELECT');
SELECT app.open_to_platform('unusable_events', 'SELECT, INSERT, UPDATE, DELETE');
