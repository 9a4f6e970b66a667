DROP FUNCTION app.tenants_to_bill(date, timestamptz, uuid, integer);
DROP TABLE invoice_lines, invoices;
