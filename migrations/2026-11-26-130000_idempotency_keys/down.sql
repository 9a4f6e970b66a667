DROP FUNCTION app.purge_idempotency_keys(timestamptz, bigint);
DROP TABLE idempotency_keys;
