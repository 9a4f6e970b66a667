DROP FUNCTION IF EXISTS app.contacts_with_number_end(text, integer);
DROP INDEX contact_identities_number_end_idx;
