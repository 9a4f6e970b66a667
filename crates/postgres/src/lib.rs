//! Adapter: every repository, transactions and migrations, on Postgres with Diesel
