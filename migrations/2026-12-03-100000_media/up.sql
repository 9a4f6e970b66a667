-- The bytes of files, as far as the store has them: one row for all files of a tenant with the same bytes.
CREATE TABLE media_objects (
  tenant_id   uuid NOT NULL REFERENCES tenants (id),
  sha256      bytea NOT NULL CHECK (octet_length(sha256) = 32),
  size        bigint NOT NULL CHECK (size >= 0),
  -- When it was last about to be written, or to be used by another file: it is not deleted for a while.
  reserved_at timestamptz NOT NULL,
  -- Null until the store has it.
  written_at  timestamptz,
  PRIMARY KEY (tenant_id, sha256)
);
SELECT app.protect_tenant_table('media_objects', 'SELECT, INSERT, UPDATE, DELETE');
SELECT app.open_to_platform('media_objects', 'SELECT (tenant_id, sha256)');

-- Bytes that are to be deleted from the store, which is not transactional. Nothing is written under the name of a claimed one.
CREATE TABLE media_deletions (
  tenant_id    uuid NOT NULL REFERENCES tenants (id),
  sha256       bytea NOT NULL CHECK (octet_length(sha256) = 32),
  requested_at timestamptz NOT NULL,
  -- By the clock of the database. A claim that has ended may be taken by any process; it ends with the row.
  claimed_until timestamptz,
  PRIMARY KEY (tenant_id, sha256)
);
CREATE INDEX media_deletions_order_idx ON media_deletions (requested_at);
SELECT app.protect_tenant_table('media_deletions', 'SELECT, INSERT, UPDATE, DELETE');
SELECT app.open_to_platform('media_deletions',
  'SELECT (tenant_id, sha256, requested_at, claimed_until), UPDATE (claimed_until), DELETE');

-- Files: received with a message, or uploaded to be sent.
CREATE TABLE media (
  tenant_id   uuid NOT NULL REFERENCES tenants (id),
  id          uuid NOT NULL,
  source      text NOT NULL CHECK (source IN ('received', 'uploaded')),
  state       text NOT NULL CHECK (state IN ('waiting', 'stored', 'expired', 'refused', 'gone')),
  -- Of a received one: where it is at Meta, what kind of message it came with, and what was said of it.
  account_id  uuid,
  meta_id     text,
  kind        text CHECK (kind IN ('image', 'video', 'audio', 'document', 'sticker')),
  sent_at     timestamptz,
  waits_until timestamptz,
  mime_type   text,
  filename    text,
  sha256      bytea,
  -- Attempts to fetch it that failed; the last of them that failed alike; and how.
  failures    integer NOT NULL DEFAULT 0,
  alike       integer NOT NULL DEFAULT 0,
  failure     text,
  ended_at    timestamptz,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, account_id) REFERENCES whatsapp_accounts (tenant_id, id),
  FOREIGN KEY (tenant_id, sha256) REFERENCES media_objects (tenant_id, sha256),
  CHECK ((source = 'received') = (meta_id IS NOT NULL AND account_id IS NOT NULL AND kind IS NOT NULL
                                  AND sent_at IS NOT NULL AND waits_until IS NOT NULL)),
  CHECK ((state = 'stored') = (sha256 IS NOT NULL)),
  CHECK (source = 'received' OR state = 'stored')
);
CREATE INDEX media_object_idx ON media (tenant_id, sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX media_waiting_idx ON media (tenant_id, account_id, waits_until) WHERE state = 'waiting';
CREATE INDEX media_oldest_idx ON media (sent_at) WHERE state = 'waiting';
SELECT app.protect_tenant_table('media', 'SELECT, INSERT, UPDATE, DELETE');
SELECT app.open_to_platform('media', 'SELECT (tenant_id, id, source, state, account_id, sent_at, waits_until, failure)');

-- The file of a message. An uploaded one may be in many messages.
CREATE TABLE message_media (
  tenant_id  uuid NOT NULL REFERENCES tenants (id),
  message_id uuid NOT NULL,
  media_id   uuid NOT NULL,
  PRIMARY KEY (tenant_id, message_id),
  FOREIGN KEY (tenant_id, message_id) REFERENCES messages (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, media_id) REFERENCES media (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX message_media_media_idx ON message_media (tenant_id, media_id);
SELECT app.protect_tenant_table('message_media', 'SELECT, INSERT, UPDATE, DELETE');

-- Files that a message had and has not any more: it was erased or revoked, or has another file. Without another message they are deleted.
CREATE TABLE media_unlinked (
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  media_id  uuid NOT NULL,
  PRIMARY KEY (tenant_id, media_id)
);
SELECT app.protect_tenant_table('media_unlinked', 'SELECT, INSERT, UPDATE, DELETE');
SELECT app.open_to_platform('media_unlinked', 'SELECT');

CREATE FUNCTION app.note_unlinked_media() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    INSERT INTO public.media_unlinked (tenant_id, media_id)
    SELECT DISTINCT u.tenant_id, u.media_id FROM unlinked u
        ON CONFLICT DO NOTHING;
    RETURN NULL;
  END
  $$;
CREATE TRIGGER note_unlinked_media_of_deleted AFTER DELETE ON message_media
  REFERENCING OLD TABLE AS unlinked FOR EACH STATEMENT EXECUTE FUNCTION app.note_unlinked_media();
CREATE TRIGGER note_unlinked_media_of_changed AFTER UPDATE ON message_media
  REFERENCING OLD TABLE AS unlinked FOR EACH STATEMENT EXECUTE FUNCTION app.note_unlinked_media();

-- Runners fetch files in the order of the times of their messages.
GRANT SELECT (created_at) ON jobs TO parley_platform;

-- What Meta still has of messages that were stored before.
WITH still_at_meta AS MATERIALIZED (
  SELECT m.tenant_id, m.id AS message_id, gen_random_uuid() AS media_id, m.account_id, m.media_id AS meta_id, m.kind,
         m.media_mime_type, m.media_filename, m.provider_timestamp AS sent_at
    FROM messages m
   WHERE m.media_id IS NOT NULL AND m.revoked_at IS NULL AND m.wamid IS NOT NULL
     AND m.provider_timestamp > statement_timestamp() - interval '7 days'
), files AS (
  INSERT INTO media (tenant_id, id, source, state, account_id, meta_id, kind, sent_at, waits_until, mime_type, filename, created_at)
  SELECT tenant_id, media_id, 'received', 'waiting', account_id, meta_id,
         CASE WHEN kind IN ('image', 'video', 'audio', 'document', 'sticker') THEN kind
              WHEN kind = 'voice' THEN 'audio' ELSE 'document' END,
         sent_at, sent_at + interval '7 days', media_mime_type, media_filename, statement_timestamp()
    FROM still_at_meta
), links AS (
  INSERT INTO message_media (tenant_id, message_id, media_id)
  SELECT tenant_id, message_id, media_id FROM still_at_meta
)
INSERT INTO jobs (tenant_id, id, kind, subject, due_at, created_at)
SELECT tenant_id, gen_random_uuid(), 'media_download', media_id::text, statement_timestamp(), sent_at FROM still_at_meta;
