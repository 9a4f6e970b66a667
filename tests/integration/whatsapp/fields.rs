//! Webhook fields other than `messages`.

mod accounts;
mod handovers;
mod history;
mod phone_app;
mod raw;
