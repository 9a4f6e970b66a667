DROP TABLE memberships, role_permissions, roles, permissions, users, tenants;
