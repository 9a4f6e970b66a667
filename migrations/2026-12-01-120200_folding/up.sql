-- Search folds more letters, and cuts words of scripts without spaces; see crates/postgres/functions/folded.sql and word_list.sql.
-- The columns that those functions generate are computed again in the background: those of messages with their parts, those of
-- contacts by these jobs. Until then, words whose folding changed are not found in rows of earlier versions.
CREATE SCHEMA IF NOT EXISTS extensions;
GRANT USAGE ON SCHEMA extensions TO parley_app, parley_platform;
CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA extensions;
DO $$
BEGIN
  IF (SELECT extnamespace FROM pg_extension WHERE extname = 'unaccent') <> 'extensions'::regnamespace THEN
    ALTER EXTENSION unaccent SET SCHEMA extensions;
  END IF;
END
$$;

-- One row for each tenant whose contacts' names were folded by an earlier version.
CREATE TABLE refold_jobs (
  tenant_id     uuid PRIMARY KEY REFERENCES tenants (id),
  -- Contacts up to this one are done.
  after_contact uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000'
);
SELECT app.protect_tenant_table('refold_jobs', 'SELECT, INSERT, UPDATE, DELETE');
INSERT INTO refold_jobs (tenant_id) SELECT id FROM tenants;
