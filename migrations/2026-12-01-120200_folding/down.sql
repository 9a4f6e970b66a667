-- The extension stays: functions use it until the previous version has applied its own.
DROP FUNCTION IF EXISTS app.tenants_with_old_content(uuid, integer);
DROP TABLE refold_jobs;
