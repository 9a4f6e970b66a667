-- Building an index once is faster than updating it row by row; `create_indexes.sql` restores these.
CREATE TABLE indexes_to_create AS
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
  FROM pg_index
 WHERE indrelid IN ('contacts'::regclass, 'messages'::regclass) AND NOT indisunique;

DO $$
DECLARE
  dropped text;
BEGIN
  FOR dropped IN SELECT name FROM indexes_to_create LOOP
    EXECUTE 'DROP INDEX ' || dropped;
  END LOOP;
END $$;
