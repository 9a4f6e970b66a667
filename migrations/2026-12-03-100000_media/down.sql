DELETE FROM jobs WHERE kind = 'media_download';
DROP TABLE message_media;
DROP TABLE media;
DROP TABLE media_deletions;
DROP TABLE media_objects;
