-- Files that are to be sent, as Meta has them: once for a number and the same bytes. Meta keeps a file for 30 days. With the bytes, the
-- row goes.
CREATE TABLE media_at_meta (
  tenant_id   uuid NOT NULL REFERENCES tenants (id),
  id          uuid NOT NULL,
  account_id  uuid NOT NULL,
  sha256      bytea NOT NULL,
  -- As what Meta gets it: the same bytes may be a video or a document.
  kind        text NOT NULL CHECK (kind IN ('image', 'video', 'audio', 'document', 'sticker')),
  mime_type   text NOT NULL,
  filename    text NOT NULL,
  size        bigint NOT NULL CHECK (size > 0),
  state       text NOT NULL CHECK (state IN ('wanted', 'uploaded', 'refused')),
  meta_id     text,
  uploaded_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, account_id, sha256, kind, mime_type),
  FOREIGN KEY (tenant_id, account_id) REFERENCES whatsapp_accounts (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, sha256) REFERENCES media_objects (tenant_id, sha256) ON DELETE CASCADE,
  CHECK ((state = 'uploaded') = (meta_id IS NOT NULL AND uploaded_at IS NOT NULL))
);
CREATE INDEX media_at_meta_object_idx ON media_at_meta (tenant_id, sha256);
SELECT app.protect_tenant_table('media_at_meta', 'SELECT, INSERT, UPDATE, DELETE');
