-- Whether a pause of some sends stops one. Specified by outbound::PausedSends::stops; a property test compares both.
CREATE OR REPLACE FUNCTION app.pause_stops(sends text, free_form boolean, category text, within_window boolean) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT CASE sends
           WHEN 'all' THEN true
           WHEN 'free_form' THEN free_form
           WHEN 'initiated' THEN within_window IS NOT TRUE
           WHEN 'paid' THEN NOT free_form
           WHEN 'utility' THEN category IS NOT DISTINCT FROM 'utility'
           WHEN 'marketing' THEN category IS NOT DISTINCT FROM 'marketing'
         END
  $$;
REVOKE ALL ON FUNCTION app.pause_stops FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.pause_stops TO parley_app;
