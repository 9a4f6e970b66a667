-- The texts are not restored.
SELECT 1;
