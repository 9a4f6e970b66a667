-- The words of a text, one space between them, without case, accents and punctuation, so that texts which people type in different
-- ways are equal: by the rules of the extension unaccent (accents, and letters that do not decompose, such as ł, đ, ø, ß, ı, ð, æ),
-- and Unicode's compatibility decomposition (full-width letters, ligatures). Marks of vowels and of hamza are dropped in Arabic and Hebrew; in Indic and
-- South-East Asian scripts marks belong to their word. Texts are cut at 10,000 characters, which is more than WhatsApp allows.
--
-- Generated columns depend on the result: a change needs a job that computes them again, as refold_jobs did.
CREATE OR REPLACE FUNCTION app.folded(body text) RETURNS text
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    plain text := left(body, 10000);
  BEGIN
    IF octet_length(plain) <> length(plain) THEN
      plain := extensions.unaccent('extensions.unaccent', plain);
    END IF;
    IF octet_length(plain) = length(plain) THEN
      RETURN btrim(regexp_replace(lower(plain COLLATE "C"), '[^[:alnum:]]+', ' ', 'g'));
    END IF;
    plain := regexp_replace(normalize(plain, NFKD),
      '[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed]+',
      '', 'g');
    -- Letters that keyboards of different countries have for the same sound, and digits.
    plain := translate(plain, 'ٱىیةک٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', 'اييهك01234567890123456789');
    plain := normalize(extensions.unaccent('extensions.unaccent', plain), NFC);
    RETURN btrim(regexp_replace(lower(plain COLLATE "und-x-icu"),
      '[^[:alnum:]\u0900-\u0963\u0966-\u0dff\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u0f71-\u0f84\u102b-\u103e\u1056-\u1059\u17b4-\u17d3]+',
      ' ', 'g'));
  END
  $$;
