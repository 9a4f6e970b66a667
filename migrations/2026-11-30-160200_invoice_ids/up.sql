-- An operator names an invoice without its tenant.
CREATE UNIQUE INDEX invoices_id_key ON invoices (id);
