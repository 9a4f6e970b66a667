INSERT INTO permissions (key) VALUES ('messages:send'), ('templates:read'), ('templates:write');
