-- The words of a text as one text, for prefix comparison. Generated columns depend on the result, see app.folded.
CREATE OR REPLACE FUNCTION app.fold(body text) RETURNS text
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN RETURN left(app.folded(body), 200); END $$;
