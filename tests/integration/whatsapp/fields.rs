//! The fields beside `messages`, as people see what they tell.

mod accounts;
mod handovers;
mod history;
mod phone_app;
mod raw;
