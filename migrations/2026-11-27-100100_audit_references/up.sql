-- These rows refer to a record, whose own foreign key ensures that the tenant exists. The additional foreign keys made each login
-- and each seal lock the tenant's row.
ALTER TABLE audit_unsealed DROP CONSTRAINT audit_unsealed_tenant_id_fkey;
ALTER TABLE audit_seals DROP CONSTRAINT audit_seals_tenant_id_fkey;
