DROP INDEX whatsapp_accounts_waba_idx;
CREATE INDEX whatsapp_accounts_waba_idx ON whatsapp_accounts (app_id, waba_id) WHERE status = 'active';
ALTER TABLE whatsapp_accounts
  DROP CONSTRAINT whatsapp_accounts_disconnected_by_somebody,
  DROP COLUMN disconnected_by,
  DROP COLUMN health;
DROP TABLE meta_apps;
