ALTER TABLE template_syncs ADD COLUMN due_at timestamptz;
UPDATE template_syncs s SET due_at = coalesce(
  (SELECT j.due_at FROM jobs j WHERE j.tenant_id = s.tenant_id AND j.kind = 'template_sync' AND j.subject = s.waba_id),
  s.synced_at, s.refreshed_at, '-infinity');
ALTER TABLE template_syncs ALTER COLUMN due_at SET NOT NULL;
CREATE INDEX template_syncs_due_idx ON template_syncs (tenant_id, due_at);
SELECT app.open_to_platform('template_syncs', 'SELECT');

ALTER TABLE account_credentials ADD COLUMN check_due_at timestamptz;
UPDATE account_credentials c SET check_due_at = coalesce(
  (SELECT j.due_at FROM jobs j WHERE j.tenant_id = c.tenant_id AND j.kind = 'account_check' AND j.subject = c.account_id::text),
  c.updated_at)
 WHERE c.access_token_sealed IS NOT NULL;
ALTER TABLE account_credentials ADD CHECK ((access_token_sealed IS NULL) = (check_due_at IS NULL));
CREATE INDEX account_credentials_due_idx ON account_credentials (tenant_id, check_due_at) WHERE check_due_at IS NOT NULL;
GRANT SELECT (check_due_at) ON account_credentials TO parley_platform;

DROP TABLE jobs;
