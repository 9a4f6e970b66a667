DROP TABLE webhook_outbox, webhook_payloads, webhook_events, whatsapp_accounts;
