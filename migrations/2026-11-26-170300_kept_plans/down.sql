CREATE OR REPLACE FUNCTION app.tenant() RETURNS uuid
  LANGUAGE sql STABLE PARALLEL SAFE
  SET search_path = pg_catalog
  AS $$ SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid $$;

CREATE OR REPLACE FUNCTION app.tenant_of(with_slug text) RETURNS uuid
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog
  AS $$ SELECT id FROM public.tenants WHERE slug = with_slug $$;

CREATE OR REPLACE FUNCTION app.signing_key_is_usable(named text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog
  AS $$
    SELECT EXISTS (SELECT FROM public.signing_keys WHERE kid = named AND state IN ('upcoming', 'active', 'retiring'))
  $$;

CREATE OR REPLACE FUNCTION app.signing_key_is_active(named text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog
  AS $$ SELECT EXISTS (SELECT FROM public.signing_keys WHERE kid = named AND state = 'active') $$;
