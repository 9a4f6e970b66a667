DROP FUNCTION IF EXISTS app.purge_usage_contacts(date, bigint);
DROP INDEX audit_records_action_idx, audit_records_actor_idx, audit_records_target_idx, audit_records_refused_idx,
  platform_audit_records_action_idx, platform_audit_records_actor_idx, platform_audit_records_target_idx,
  platform_audit_records_refused_idx, webhook_events_status_idx, usage_contacts_day_idx,
  webhook_events_dead_letter_received_idx;
DROP TRIGGER notes_activation ON whatsapp_accounts;
DROP FUNCTION app.note_activation();
ALTER TABLE whatsapp_accounts DROP COLUMN active_since;
ALTER TABLE webhook_events DROP CONSTRAINT webhook_events_check;
UPDATE webhook_payloads SET tenant_id = NULL WHERE event_id IN (SELECT id FROM webhook_events WHERE status = 'unroutable');
UPDATE webhook_events SET tenant_id = NULL WHERE status = 'unroutable';
ALTER TABLE webhook_events ADD CONSTRAINT webhook_events_check
  CHECK (CASE status WHEN 'unroutable' THEN tenant_id IS NULL
                     WHEN 'dead_letter' THEN true
                     WHEN 'discarded' THEN true
                     ELSE tenant_id IS NOT NULL END);
