//! Each figure, measured against its baseline in the same run on the same servers.

pub(crate) mod abuse;
pub(crate) mod accept;
pub(crate) mod end_to_end;
pub(crate) mod login;
pub(crate) mod memory;
pub(crate) mod process;
pub(crate) mod read;
pub(crate) mod refusal;
pub(crate) mod request;
pub(crate) mod send;
pub(crate) mod start;

use std::time::Duration;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) tenants: usize,
    pub(crate) senders: u64,
    /// How often a measurement and its baseline take turns.
    pub(crate) rounds: u32,
    /// Of each turn.
    pub(crate) turn: Duration,
    /// Of each rate of an open loop.
    pub(crate) open: Duration,
    /// Events that wait to be drained.
    pub(crate) waiting: u64,
    /// Of these, for the baseline.
    pub(crate) waiting_baseline: u64,
    /// How long a rate must hold.
    pub(crate) hold: Duration,
    pub(crate) quick: bool,
}

impl Scale {
    pub(crate) const NORMAL: Self = Self {
        tenants: 20,
        senders: 5_000,
        rounds: 3,
        turn: Duration::from_secs(5),
        open: Duration::from_secs(10),
        waiting: 50_000,
        waiting_baseline: 10_000,
        hold: Duration::from_mins(1),
        quick: false,
    };

    pub(crate) const QUICK: Self = Self {
        rounds: 1,
        turn: Duration::from_secs(2),
        open: Duration::from_secs(2),
        waiting: 5_000,
        waiting_baseline: 1_000,
        hold: Duration::from_secs(5),
        quick: true,
        ..Self::NORMAL
    };
}
