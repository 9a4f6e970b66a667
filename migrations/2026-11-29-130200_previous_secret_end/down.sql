ALTER TABLE meta_apps DROP COLUMN previous_app_secret_ends_at;
