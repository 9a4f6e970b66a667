DROP TABLE subscriptions, plans;
