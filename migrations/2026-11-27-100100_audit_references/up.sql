-- What is here is about a record, which has its tenant. Looking for the tenant once more, for each login and each seal, made
-- everybody who logs in to a tenant write to its row.
ALTER TABLE audit_unsealed DROP CONSTRAINT audit_unsealed_tenant_id_fkey;
ALTER TABLE audit_seals DROP CONSTRAINT audit_seals_tenant_id_fkey;
