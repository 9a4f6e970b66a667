-- Deleting a user clears actor_id in all of their interactions. Without this index that reads every interaction of the tenant,
-- while the tenant is locked.
CREATE INDEX interactions_actor_idx ON interactions (tenant_id, actor_id) WHERE actor_id IS NOT NULL;
