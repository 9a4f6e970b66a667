-- A query for all wanted words. A prefix is enough for each word, or only for the last one, which may be incomplete, if it has
-- three letters or more. Words have letters and digits only, so that the quotes cannot be escaped.
CREATE OR REPLACE FUNCTION app.words_query(prefix text, wanted text, every_beginning boolean) RETURNS tsquery
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT string_agg(
             '''' || prefix || word || ''''
             || CASE WHEN every_beginning OR (place = cardinality(list) AND length(word) >= 3) THEN ':*' ELSE '' END,
             ' & ')::tsquery
      FROM app.word_list(wanted) AS list, unnest(list) WITH ORDINALITY AS words (word, place)
  $$;
