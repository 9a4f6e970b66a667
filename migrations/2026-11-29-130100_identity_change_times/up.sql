-- A change of identities is identified by its keys and its second: a person who changes to a key, back, and to it again has made three
-- changes, and the contact's history tells each.
ALTER TABLE identity_change_keys DROP CONSTRAINT identity_change_keys_tenant_id_fingerprint_fkey;
UPDATE identity_change_keys k SET fingerprint = c.fingerprint || '@' || floor(extract(epoch FROM c.changed_at))::bigint
  FROM identity_changes c
 WHERE c.tenant_id = k.tenant_id AND c.fingerprint = k.fingerprint;
UPDATE identity_changes SET fingerprint = fingerprint || '@' || floor(extract(epoch FROM changed_at))::bigint;
ALTER TABLE identity_change_keys
  ADD FOREIGN KEY (tenant_id, fingerprint) REFERENCES identity_changes (tenant_id, fingerprint) ON DELETE CASCADE;
