-- The hash of an identity of a deleted contact. It includes the tenant, so that hashes of two tenants cannot be compared.
--
-- Stored rows depend on the result: a change needs a migration.
CREATE OR REPLACE FUNCTION app.identity_hash(tenant uuid, kind text, scope text, value text) RETURNS bytea
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog, pg_temp
  AS $$ SELECT sha256(convert_to(tenant::text || '|' || kind || '|' || scope || '|' || value, 'UTF8')) $$;
