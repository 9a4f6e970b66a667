DELETE FROM role_permissions WHERE permission IN ('messages:send', 'templates:read', 'templates:write');
DELETE FROM permissions WHERE key IN ('messages:send', 'templates:read', 'templates:write');
