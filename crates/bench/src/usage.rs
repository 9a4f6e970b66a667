//! What the kernel says of processes: processor time and memory.

use std::fs;
use std::time::Duration;

/// Linux counts in hundredths of a second for programs, on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor time of this thread.
pub(crate) fn thread_cpu() -> Duration {
    cpu("/proc/thread-self/stat")
}

/// Processor time of a process.
pub(crate) fn process_cpu(pid: u32) -> Duration {
    cpu(&format!("/proc/{pid}/stat"))
}

fn cpu(file: &str) -> Duration {
    let text = fs::read_to_string(file).unwrap_or_default();
    // The name is in parentheses, and may have any letters; user and system time are the 12th and 13th field after it.
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let ticks = |field: usize| after_name.split_whitespace().nth(field).and_then(|text| text.parse::<f64>().ok());
    Duration::from_secs_f64((ticks(11).unwrap_or_default() + ticks(12).unwrap_or_default()) / TICKS_PER_SECOND)
}

/// Resident memory of a process in MiB: now, and at most so far.
pub(crate) fn memory(pid: u32) -> [f64; 2] {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    ["VmRSS:", "VmHWM:"].map(|name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let kib = line.split_whitespace().next().and_then(|text| text.parse::<f64>().ok());
        kib.unwrap_or_default() / 1_024.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_memory_is_measured() {
        let [now, most] = memory(std::process::id());
        assert!(now > 0.5 && most >= now, "{now} {most}");
        assert!(process_cpu(std::process::id()) < Duration::from_hours(1));
    }
}
