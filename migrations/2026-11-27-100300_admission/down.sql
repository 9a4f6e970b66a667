DROP FUNCTION app.admit;
