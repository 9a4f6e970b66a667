//! The cores that a part of the benchmark runs on.

use std::io;
use std::thread;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::error::{Result, fail};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Cores(CpuSet);

impl Cores {
    /// All that this process may use.
    pub(crate) fn all() -> Result<Self> {
        Ok(Self(sched_getaffinity(None).map_err(io::Error::from)?))
    }

    /// The first half of these; of one, this one.
    pub(crate) fn half(self) -> Self {
        let mut half = CpuSet::new();
        let these = (0..CpuSet::MAX_CPU).filter(|core| self.0.is_set(*core));
        these.take(self.count().div_ceil(2)).for_each(|core| half.set(core));
        Self(half)
    }

    pub(crate) fn count(self) -> usize {
        self.0.count() as usize
    }

    /// Works on a thread that stays on these. What it starts, threads and processes, stays there, too.
    pub(crate) fn confine<T: Send>(self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let confined = || {
            sched_setaffinity(None, &self.0).map_err(io::Error::from)?;
            work()
        };
        thread::scope(|scope| scope.spawn(confined).join()).unwrap_or_else(|_| fail("what was confined crashed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confined_thread_sees_only_its_cores() {
        let all = Cores::all().unwrap();
        let half = all.half();
        assert_eq!(half.count(), all.count().div_ceil(2));
        assert_eq!(half.confine(Cores::all).unwrap().0, half.0);
        assert_eq!(Cores::all().unwrap().0, all.0);
    }
}
