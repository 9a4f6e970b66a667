-- Updates whose message is not stored are parked, for a limited time: most of those messages were sent by other tools and are
-- never received.
ALTER TABLE message_updates ADD COLUMN parked boolean NOT NULL DEFAULT false;
UPDATE message_updates u SET parked = true
 WHERE NOT EXISTS (SELECT FROM messages m
                    WHERE m.tenant_id = u.tenant_id AND m.account_id = u.account_id AND m.wamid = u.wamid);
CREATE INDEX message_updates_parked_idx ON message_updates (tenant_id, created_at) WHERE parked;
