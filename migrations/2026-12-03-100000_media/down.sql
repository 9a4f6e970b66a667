DELETE FROM jobs WHERE kind = 'media_download';
REVOKE SELECT (created_at) ON jobs FROM parley_platform;
DROP TABLE media_unlinked;
DROP TABLE message_media;
DROP FUNCTION app.note_unlinked_media();
DROP TABLE media;
DROP TABLE media_deletions;
DROP TABLE media_objects;
