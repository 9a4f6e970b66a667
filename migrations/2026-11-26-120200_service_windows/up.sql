-- Until when a business may send free-form messages to a customer. Not a column of conversations only: a call opens the window
-- even if there is no conversation, and closing a conversation does not close it.
CREATE TABLE service_windows (
  tenant_id  uuid NOT NULL,
  account_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  ends_at    timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, account_id, contact_id),
  FOREIGN KEY (tenant_id, account_id) REFERENCES whatsapp_accounts (tenant_id, id),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX service_windows_contact_idx ON service_windows (tenant_id, contact_id);
SELECT app.protect_tenant_table('service_windows', 'SELECT, INSERT, UPDATE, DELETE');

INSERT INTO service_windows (tenant_id, account_id, contact_id, ends_at)
SELECT tenant_id, account_id, contact_id, max(service_window_ends_at) FROM conversations
 WHERE service_window_ends_at IS NOT NULL
 GROUP BY tenant_id, account_id, contact_id;
