DELETE FROM jobs WHERE kind = 'media_upload';
DROP TABLE media_at_meta;
