DROP TABLE unusable_events;
