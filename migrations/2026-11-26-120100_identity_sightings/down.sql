DROP TABLE identity_sightings;
