DROP TABLE provisioning_keys;
