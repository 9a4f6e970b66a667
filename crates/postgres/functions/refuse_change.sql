-- Trigger function of the audit logs: they are never changed, and only what is summarised is deleted; not even the owner does
-- otherwise. app.purge_audit_records writes the summary, whose MAC verification checks.
CREATE OR REPLACE FUNCTION app.refuse_change() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    is_summarised boolean := false;
  BEGIN
    IF TG_OP = 'DELETE' THEN
      CASE TG_TABLE_NAME
        WHEN 'audit_seals' THEN
          is_summarised := EXISTS (SELECT FROM public.audit_summaries
                                    WHERE tenant_id = OLD.tenant_id AND sequence >= OLD.sequence);
        WHEN 'audit_records' THEN
          is_summarised := EXISTS (SELECT FROM public.audit_summaries m
                                     JOIN public.audit_seals s ON s.tenant_id = m.tenant_id AND s.sequence <= m.sequence
                                    WHERE m.tenant_id = OLD.tenant_id AND s.record_id = OLD.id);
        WHEN 'platform_audit_seals' THEN
          is_summarised := EXISTS (SELECT FROM public.platform_audit_summaries WHERE sequence >= OLD.sequence);
        WHEN 'platform_audit_records' THEN
          is_summarised := EXISTS (SELECT FROM public.platform_audit_summaries m
                                     JOIN public.platform_audit_seals s ON s.sequence <= m.sequence
                                    WHERE s.record_id = OLD.id);
        ELSE NULL;
      END CASE;
    END IF;
    IF is_summarised THEN
      RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit records are never changed or deleted';
  END
  $$;
REVOKE ALL ON FUNCTION app.refuse_change FROM PUBLIC, parley_app, parley_platform;
