CREATE OR REPLACE FUNCTION app.preview(body text) RETURNS text
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog
  AS $$
    SELECT CASE WHEN length(line) > 120 THEN left(line, 120) || '…' ELSE line END
      FROM (SELECT btrim(regexp_replace(left(body, 4000), '\s+', ' ', 'g'))) AS lines (line)
  $$;
