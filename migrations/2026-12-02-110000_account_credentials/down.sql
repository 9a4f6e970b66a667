DROP TABLE account_credentials;
ALTER TABLE whatsapp_accounts DROP COLUMN throughput, DROP COLUMN send_read_receipts;
