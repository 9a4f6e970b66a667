-- The words of a text for full text search. Generated columns depend on the result, see app.word_list.
CREATE OR REPLACE FUNCTION app.words(body text) RETURNS tsvector
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN RETURN array_to_tsvector(app.word_list(body)); END $$;
