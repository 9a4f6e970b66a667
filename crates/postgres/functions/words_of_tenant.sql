-- The words of a row as entries of the GIN indexes: each begins with the tenant's prefix, so that a lookup never touches
-- entries of another tenant. The indexes depend on the result: a change needs a migration that rebuilds them.
CREATE OR REPLACE FUNCTION app.words_of_tenant(tenant uuid, words tsvector) RETURNS tsvector
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    prefix text := replace(tenant::text, '-', '');
  BEGIN
    RETURN array_to_tsvector(ARRAY(SELECT prefix || word FROM unnest(tsvector_to_array(words)) AS word));
  END
  $$;
