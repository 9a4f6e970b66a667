-- Jobs that are not finished are finished first: their contacts would become visible again.
DO $$
BEGIN
  IF EXISTS (SELECT FROM contact_jobs) THEN
    RAISE EXCEPTION 'erasures or merges of contacts are not finished: wait until contact_jobs is empty';
  END IF;
END
$$;
DROP FUNCTION IF EXISTS app.tenants_with_contact_jobs(uuid, integer);
DROP TABLE contact_jobs;
ALTER TABLE contacts DROP COLUMN removed_at;
