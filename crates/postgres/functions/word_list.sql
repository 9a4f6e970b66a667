-- The words of a text in order. Chinese, Japanese, Thai, Lao, Burmese and Khmer are written without spaces, and Korean puts particles
-- behind words: there each pair of neighbouring letters is a word, so that any two or more letters are found wherever they stand. The
-- last letter is a word, too, so that a single one is found by its prefix. Words are cut at 64 characters, as index entries are limited
-- in size.
--
-- Generated columns depend on the result, see app.folded.
CREATE OR REPLACE FUNCTION app.word_list(body text) RETURNS text[]
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    -- Blocks of these scripts: Thai and Lao, Burmese, Khmer, kana, Chinese characters, Korean syllables.
    unspaced constant text := '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua9e0-\ua9ff\uaa60-\uaa7f\uac00-\ud7a3\uf900-\ufaff\U00020000-\U000323af]';
    plain text;
    words text[];
  BEGIN
    IF octet_length(body) = length(body) THEN
      -- As app.folded does, without the call.
      plain := btrim(regexp_replace(lower(left(body, 10000) COLLATE "C"), '[^[:alnum:]]+', ' ', 'g'));
    ELSE
      plain := app.folded(body);
    END IF;
    IF octet_length(plain) <> length(plain) AND plain ~ unspaced THEN
      words := string_to_array(btrim(regexp_replace(regexp_replace(plain, '(' || unspaced || '+)', ' \1 ', 'g'), ' +', ' ', 'g')), ' ');
      RETURN ARRAY(
        SELECT left(piece, 64)
          FROM unnest(words) WITH ORDINALITY AS list (word, place)
         CROSS JOIN LATERAL (
           SELECT CASE WHEN word ~ unspaced THEN substr(word, start, 2) ELSE word END, start
             FROM generate_series(1, CASE WHEN word ~ unspaced THEN length(word) ELSE 1 END) AS start
         ) AS pieces (piece, start)
         ORDER BY place, start);
    END IF;
    words := string_to_array(plain, ' ');
    IF length(plain) > 64 THEN
      words := ARRAY(SELECT left(word, 64) FROM unnest(words) WITH ORDINALITY AS list (word, place) ORDER BY place);
    END IF;
    RETURN words;
  END
  $$;
