DROP INDEX interactions_actor_idx;
