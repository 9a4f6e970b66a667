-- Creates the three login roles of Parley. Run by a superuser, once per cluster; `parley migrate` with an admin URL does the same
-- and sets the passwords of its configuration.
--
--   parley_owner     owns the schema and runs migrations, nothing else
--   parley_app       one tenant's data at a time, under row level security
--   parley_platform  data of the deployment: tenant directory, routing, webhook events, signing keys
--
-- None of them may be a superuser, bypass row level security or create roles, and the two that serve requests must not own tables:
-- the server checks this at start.
DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['parley_owner', 'parley_app', 'parley_platform'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB', wanted);
      EXCEPTION
        -- Created concurrently.
        WHEN duplicate_object OR unique_violation THEN NULL;
      END;
    END IF;
    -- Some errors are recognized by their English text, see crates/postgres/src/error.rs. `parley check` verifies the setting.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted AND 'lc_messages=C' = ANY (rolconfig)) THEN
      BEGIN
        EXECUTE format('ALTER ROLE %I SET lc_messages = %L', wanted, 'C');
      EXCEPTION
        WHEN insufficient_privilege THEN
          RAISE WARNING 'lc_messages of the role % was not set: that needs a superuser', wanted;
      END;
    END IF;
  END LOOP;
END
$$;
