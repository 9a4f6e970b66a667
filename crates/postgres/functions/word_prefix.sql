-- The prefix of a tenant's entries in the GIN indexes. The indexes depend on the result: a change needs a migration that
-- rebuilds them.
CREATE OR REPLACE FUNCTION app.word_prefix(tenant uuid) RETURNS text
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN RETURN replace(tenant::text, '-', ''); END $$;
