-- The first 120 characters of a text, on one line.
CREATE OR REPLACE FUNCTION app.preview(body text) RETURNS text
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    line text := btrim(regexp_replace(left(body, 4000), '\s+', ' ', 'g'));
  BEGIN
    RETURN CASE WHEN length(line) > 120 THEN left(line, 120) || '…' ELSE line END;
  END
  $$;
