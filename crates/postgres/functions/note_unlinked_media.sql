-- Notes the files that messages had and have not any more, so that whatever deletes messages deletes their files. A trigger of
-- `message_media`; it runs as who deletes, also for foreign keys.
CREATE OR REPLACE FUNCTION app.note_unlinked_media() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    INSERT INTO public.media_unlinked (tenant_id, media_id)
    SELECT DISTINCT u.tenant_id, u.media_id FROM unlinked u
        ON CONFLICT DO NOTHING;
    RETURN NULL;
  END
  $$;
REVOKE ALL ON FUNCTION app.note_unlinked_media FROM PUBLIC, parley_app, parley_platform;
