-- Restores what `drop_indexes.sql` dropped.
DO $$
DECLARE
  statement text;
BEGIN
  FOR statement IN SELECT definition FROM indexes_to_create LOOP
    EXECUTE statement;
  END LOOP;
END $$;

DROP TABLE indexes_to_create;
