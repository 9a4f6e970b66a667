DROP FUNCTION app.messages_with_words(text, integer), app.contacts_with_words(text, integer);
DROP INDEX messages_words_idx, messages_latest_idx;
ALTER TABLE messages DROP COLUMN search_words;
DROP INDEX contact_identities_search_idx;
ALTER TABLE contact_identities DROP COLUMN search_key;
DROP INDEX contacts_words_idx, contacts_name_idx;
ALTER TABLE contacts DROP COLUMN search_words, DROP COLUMN search_name;
DROP FUNCTION app.words_query(text, text, boolean), app.words_of_tenant(uuid, tsvector), app.word_prefix(uuid),
  app.words(text), app.fold(text), app.word_list(text);
