-- The words of a text in order, without case, accents and punctuation. In scripts without spaces, such as Chinese, a run of
-- letters is one word and is found by its prefix. Texts are cut at 10,000 characters, which is more than WhatsApp allows, and
-- words at 64, as index entries are limited in size.
--
-- Generated columns depend on the result: a change needs a migration that rewrites them.
CREATE OR REPLACE FUNCTION app.word_list(body text) RETURNS text[]
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    plain text := left(body, 10000);
    words text[];
  BEGIN
    IF octet_length(plain) <> length(plain) THEN
      plain := regexp_replace(normalize(plain, NFKD), '[\u0300-\u036f]+', '', 'g');
    END IF;
    plain := regexp_replace(lower(plain COLLATE "und-x-icu"), '[^[:alnum:]]+', ' ', 'g');
    words := string_to_array(btrim(plain), ' ');
    IF length(plain) > 64 THEN
      words := ARRAY(SELECT left(word, 64) FROM unnest(words) WITH ORDINALITY AS list (word, place) ORDER BY place);
    END IF;
    RETURN words;
  END
  $$;
