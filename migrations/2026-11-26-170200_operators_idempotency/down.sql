DROP FUNCTION app.keep_operator_answer(text, text, text, bytea, text, integer, text, timestamptz);
DROP FUNCTION app.kept_operator_answer(text, text, text, timestamptz);
DROP TABLE operator_idempotency_keys;
