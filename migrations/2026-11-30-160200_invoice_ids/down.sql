DROP FUNCTION IF EXISTS app.tenant_of_invoice(uuid);
DROP INDEX invoices_id_key;
