DROP TABLE usage_contacts, usage_days;
