DELETE FROM identity_changes earlier USING identity_changes later
 WHERE later.tenant_id = earlier.tenant_id AND later.changed_at > earlier.changed_at
   AND regexp_replace(later.fingerprint, '@[0-9]+$', '') = regexp_replace(earlier.fingerprint, '@[0-9]+$', '');
ALTER TABLE identity_change_keys DROP CONSTRAINT identity_change_keys_tenant_id_fingerprint_fkey;
UPDATE identity_change_keys SET fingerprint = regexp_replace(fingerprint, '@[0-9]+$', '');
UPDATE identity_changes SET fingerprint = regexp_replace(fingerprint, '@[0-9]+$', '');
ALTER TABLE identity_change_keys
  ADD FOREIGN KEY (tenant_id, fingerprint) REFERENCES identity_changes (tenant_id, fingerprint) ON DELETE CASCADE;
