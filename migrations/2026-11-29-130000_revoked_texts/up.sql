-- The histories of contacts show neither the words of a revoked message nor those of its edits. Recording hides them from now on.
UPDATE interactions i SET text = 'Message deleted'
  FROM messages m
 WHERE m.revoked_at IS NOT NULL AND i.tenant_id = m.tenant_id AND i.message_id = m.id
   AND i.kind IN ('inbound_message', 'outbound_message', 'group_message');
UPDATE interactions i SET text = 'Message deleted'
  FROM messages m
  JOIN message_updates u ON u.tenant_id = m.tenant_id AND u.account_id = m.account_id AND u.wamid = m.wamid AND u.kind = 'edit'
 WHERE m.revoked_at IS NOT NULL AND i.tenant_id = m.tenant_id AND i.source = 'update:' || u.account_id || ':' || u.key;
