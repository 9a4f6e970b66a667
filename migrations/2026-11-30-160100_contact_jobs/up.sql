-- Erasing and merging contacts with much data: the rest of the work after the request, in steps of a limited number of rows.

-- When the contact was erased or merged while rows still refer to it. It is shown nowhere; its job deletes it.
ALTER TABLE contacts ADD COLUMN removed_at timestamptz;

CREATE TABLE contact_jobs (
  tenant_id          uuid NOT NULL REFERENCES tenants (id),
  -- The contact that is erased, or merged into another. No foreign key: the job deletes it before it ends.
  contact_id         uuid NOT NULL,
  kind               text NOT NULL CHECK (kind IN ('erasure', 'merge')),
  -- The jobs of a tenant are done in the order of their requests.
  number             bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  into_id            uuid,
  -- Open conversations of a merged contact, and those that their messages move to, in the same order.
  from_conversations uuid[] NOT NULL DEFAULT '{}',
  into_conversations uuid[] NOT NULL DEFAULT '{}',
  -- The numbers and user ids of an erased contact: stored payloads that name them are deleted. Deleted with the job.
  named              text[] NOT NULL DEFAULT '{}',
  -- Whether the contact is deleted, and only payloads are left.
  contact_is_gone    boolean NOT NULL DEFAULT false,
  -- Events have been searched from the newest to this one.
  searched_time      timestamptz NOT NULL,
  searched_event     uuid NOT NULL,
  created_at         timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, contact_id),
  CHECK ((kind = 'merge') = (into_id IS NOT NULL))
);
SELECT app.protect_tenant_table('contact_jobs', 'SELECT, INSERT, UPDATE, DELETE');
