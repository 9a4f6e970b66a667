-- When deliveries signed with the previous app secret are refused. Null for a secret that an earlier release stored: it ends eight days
-- after the row's last change.
ALTER TABLE meta_apps ADD COLUMN previous_app_secret_ends_at timestamptz;
