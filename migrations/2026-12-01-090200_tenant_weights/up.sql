-- A tenant's share of the processing of events, while others wait as well. Only an addition: servers of the previous version serve
-- tenants equally.
ALTER TABLE tenants ADD COLUMN weight smallint NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 10);
GRANT UPDATE (weight) ON tenants TO parley_app;
