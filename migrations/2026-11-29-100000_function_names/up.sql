-- Renames of functions. Since this migration the current text of each function is in crates/postgres/functions, which
-- `parley migrate` applies after the migrations, and which creates the functions under their new names.
DROP FUNCTION app.enter(uuid);
DROP FUNCTION app.access(uuid, uuid, text, uuid, timestamptz);
DROP FUNCTION app.candidate(uuid, text, text);
DROP FUNCTION app.admit;
DROP FUNCTION app.kept_operator_answer(text, text, text, timestamptz);
DROP FUNCTION app.keep_operator_answer(text, text, text, bytea, text, integer, text, timestamptz);

-- Each text of a function that was applied to this database, so that `parley check` and the readiness probe know whether those of
-- their build were.
CREATE TABLE app.applied_functions (
  name            text NOT NULL,
  -- SHA-256 of the file, in hexadecimal.
  source_hash     text NOT NULL,
  -- SHA-256 of the definition and the privileges that the server then had: differs from the current one if the function was
  -- changed since, by another build or by hand.
  definition_hash text NOT NULL,
  applied_at      timestamptz NOT NULL,
  PRIMARY KEY (name, source_hash)
);
GRANT SELECT ON app.applied_functions TO parley_platform;
