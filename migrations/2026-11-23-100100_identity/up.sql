-- Tenants, users, roles and memberships.
-- Primary and unique keys of tenant tables start with tenant_id, so that a conflict can neither reveal nor affect a row of
-- another tenant. Foreign keys contain it, so that no row can refer to a row of another tenant.

CREATE TABLE tenants (
  id                uuid PRIMARY KEY,
  slug              text NOT NULL CONSTRAINT tenants_slug_key UNIQUE,
  name              text NOT NULL,
  status            text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
  self_registration text NOT NULL DEFAULT 'open' CHECK (self_registration IN ('open', 'closed')),
  created_at        timestamptz NOT NULL
);
SELECT app.protect_tenant_table('tenants', 'SELECT, INSERT', 'id');
SELECT app.open_to_platform('tenants', 'SELECT');

CREATE TABLE users (
  tenant_id       uuid NOT NULL REFERENCES tenants (id),
  id              uuid NOT NULL,
  email           text NOT NULL,
  email_norm      text NOT NULL,
  name            text NOT NULL,
  password_hash   text NOT NULL,
  status          text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
  self_registered boolean NOT NULL,
  created_at      timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT users_tenant_id_email_norm_key UNIQUE (tenant_id, email_norm)
);
SELECT app.protect_tenant_table('users', 'SELECT, INSERT, UPDATE');

-- The same for all tenants; changed by migrations only.
CREATE TABLE permissions (
  key text PRIMARY KEY
);
INSERT INTO permissions (key) VALUES
  ('crm:read'), ('crm:write'), ('billing:read'), ('billing:write'), ('channels:read'), ('channels:write'),
  ('events:read'), ('events:replay'), ('users:read'), ('users:write'), ('roles:read'), ('roles:write'),
  ('audit:read'), ('tenant:read'), ('tenant:write');
GRANT SELECT ON permissions TO parley_app;

CREATE TABLE roles (
  tenant_id  uuid NOT NULL REFERENCES tenants (id),
  id         uuid NOT NULL,
  key        text NOT NULL,
  name       text NOT NULL,
  system     boolean NOT NULL,
  version    bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT roles_tenant_id_key_key UNIQUE (tenant_id, key)
);
SELECT app.protect_tenant_table('roles', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE role_permissions (
  tenant_id  uuid NOT NULL,
  role_id    uuid NOT NULL,
  permission text NOT NULL REFERENCES permissions (key),
  PRIMARY KEY (tenant_id, role_id, permission),
  FOREIGN KEY (tenant_id, role_id) REFERENCES roles (tenant_id, id) ON DELETE CASCADE
);
SELECT app.protect_tenant_table('role_permissions', 'SELECT, INSERT, DELETE');

CREATE TABLE memberships (
  tenant_id  uuid NOT NULL,
  user_id    uuid NOT NULL,
  role_id    uuid NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, user_id, role_id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, role_id) REFERENCES roles (tenant_id, id)
);
CREATE INDEX memberships_role_idx ON memberships (tenant_id, role_id);
SELECT app.protect_tenant_table('memberships', 'SELECT, INSERT, DELETE');
