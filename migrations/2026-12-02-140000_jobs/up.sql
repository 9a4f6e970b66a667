-- Durable work: what must happen after a commit. A row is the ledger of a job; a job that is done has none.
CREATE TABLE jobs (
  tenant_id    uuid NOT NULL REFERENCES tenants (id),
  id           uuid NOT NULL,
  -- What it does, and the id of what it works on.
  kind         text NOT NULL,
  subject      text NOT NULL CHECK (subject ~ '^[A-Za-z0-9_-]{1,64}$'),
  state        text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'dead')),
  due_at       timestamptz NOT NULL,
  -- What was scheduled while it runs.
  again_at     timestamptz,
  -- Failures since it was last done, and starts without an outcome.
  attempts     integer NOT NULL DEFAULT 0,
  starts       integer NOT NULL DEFAULT 0,
  -- Which runner has it. A lease that has ended may be taken by any runner. The clock of the database alone decides about leases.
  holder       uuid,
  leased_until timestamptz,
  error_class  text CHECK (error_class IN ('contention', 'dependency', 'timeout', 'transient', 'permanent', 'poison')),
  last_error   text,
  created_at   timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, kind, subject),
  UNIQUE (tenant_id, id),
  CHECK ((holder IS NULL) = (leased_until IS NULL)),
  CHECK (state = 'waiting' OR holder IS NULL)
);
-- Whether something is due, and what of which tenant.
CREATE INDEX jobs_due_idx ON jobs (kind, due_at) WHERE state = 'waiting';
CREATE INDEX jobs_turn_idx ON jobs (kind, tenant_id, due_at) WHERE state = 'waiting';
CREATE INDEX jobs_leased_idx ON jobs (kind, tenant_id, leased_until) WHERE holder IS NOT NULL;
CREATE INDEX jobs_holder_idx ON jobs (holder) WHERE holder IS NOT NULL;
CREATE INDEX jobs_list_idx ON jobs (tenant_id, created_at, id);
CREATE INDEX jobs_dead_idx ON jobs (kind) WHERE state = 'dead';
SELECT app.protect_tenant_table('jobs', 'SELECT, INSERT, UPDATE, DELETE');
-- Runners claim due jobs of all tenants, and make those that kill their processes dead letters. What went wrong is not theirs to read.
-- An operator who approves a number schedules what it needs.
SELECT app.open_to_platform('jobs',
  'SELECT (tenant_id, id, kind, subject, state, due_at, again_at, attempts, starts, holder, leased_until),
   INSERT (tenant_id, id, kind, subject, due_at, created_at),
   UPDATE (state, again_at, starts, holder, leased_until, error_class, last_error)');

-- The checks and syncs that are due, now or later.
INSERT INTO jobs (tenant_id, id, kind, subject, due_at, created_at)
SELECT c.tenant_id, gen_random_uuid(), 'account_check', c.account_id::text, c.check_due_at, c.updated_at
  FROM account_credentials c
  JOIN whatsapp_accounts a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
 WHERE c.check_due_at IS NOT NULL;

INSERT INTO jobs (tenant_id, id, kind, subject, due_at, created_at)
SELECT a.tenant_id, gen_random_uuid(), 'template_sync', a.waba_id, min(coalesce(s.due_at, c.updated_at)), min(c.updated_at)
  FROM whatsapp_accounts a
  JOIN account_credentials c ON c.tenant_id = a.tenant_id AND c.account_id = a.id AND c.access_token_sealed IS NOT NULL
  LEFT JOIN template_syncs s ON s.tenant_id = a.tenant_id AND s.waba_id = a.waba_id
 GROUP BY a.tenant_id, a.waba_id;

DROP INDEX account_credentials_due_idx;
ALTER TABLE account_credentials DROP COLUMN check_due_at;

DROP INDEX template_syncs_due_idx;
DROP POLICY platform_access ON template_syncs;
REVOKE SELECT ON template_syncs FROM parley_platform;
ALTER TABLE template_syncs DROP COLUMN due_at;
