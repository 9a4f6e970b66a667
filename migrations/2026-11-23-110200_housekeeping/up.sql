-- Counting what is held, and driving it again, without reading every event.
CREATE INDEX webhook_events_held_idx ON webhook_events (tenant_id, received_at) WHERE status = 'held';
-- Counting those without a tenant, and finding the oldest.
CREATE INDEX webhook_events_unroutable_received_idx ON webhook_events (received_at) WHERE status = 'unroutable';
