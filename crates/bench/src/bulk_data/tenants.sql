-- `$N` more tenants, without users.
INSERT INTO tenants (id, slug, name, created_at)
SELECT md5('bulk tenant ' || n)::uuid, 'bulk-' || n, 'Bulk', now()
  FROM generate_series(1, $N) AS n;
