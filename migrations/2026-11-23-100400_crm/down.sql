DROP TABLE interactions, messages, conversations, contact_identities, contacts;
