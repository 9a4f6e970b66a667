-- A query for all wanted words. A prefix is enough for each word, or only for the last one, which may be incomplete, if it has
-- three letters or more, and for a single letter of scripts without spaces (three bytes), unless it only ends a longer word; see
-- app.word_list. Words have letters, marks and digits only, so that the quotes cannot be escaped.
CREATE OR REPLACE FUNCTION app.words_query(prefix text, wanted text, every_beginning boolean) RETURNS tsquery
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT string_agg(
             '''' || prefix || word || ''''
             || CASE WHEN every_beginning OR (place = cardinality(list) AND length(word) >= 3)
                       OR (length(word) = 1 AND octet_length(word) > 2) THEN ':*' ELSE '' END,
             ' & ')::tsquery
      FROM app.word_list(wanted) AS list, unnest(list) WITH ORDINALITY AS words (word, place)
     WHERE NOT (length(word) = 1 AND octet_length(word) > 2 AND place > 1
                AND length(list[place - 1]) = 2 AND right(list[place - 1], 1) = word)
  $$;
