DROP FUNCTION app.candidate(uuid, text, text);
DROP FUNCTION app.tenant_of(text);
DROP FUNCTION app.enter(uuid);
