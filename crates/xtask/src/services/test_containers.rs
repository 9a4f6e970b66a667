//! The containers of the integration tests: started by the tests, removed here, because nothing else would.

use super::docker::docker;
use crate::error::Result;
use crate::{checkout, process, random};

/// The value is the test run: `<checkout>-<process id>-<random>`.
const LABEL: &str = "parley.test";

/// A name for one test run, which its containers carry as the value of the label `parley.test`.
pub(crate) fn new_run() -> Result<String> {
    Ok(format!("{}-{}-{}", checkout::hash()?, std::process::id(), &random::password()?[..8]))
}

/// Removes the containers of one test run; how many there were. testcontainers removes what its tests drop, but never
/// what lies in a static or outlives an abort.
pub(crate) fn remove(run: &str) -> Result<usize> {
    remove_where(|label| label == run)
}

/// Removes the containers of test runs of this checkout whose process is gone.
pub(crate) fn remove_dead() -> Result<usize> {
    let checkout = checkout::hash()?;
    remove_where(|label| process_of(label, &checkout).is_some_and(|pid| !process::alive(pid)))
}

fn remove_where(ours: impl Fn(&str) -> bool) -> Result<usize> {
    let filter = format!("label={LABEL}");
    let format = format!("{{{{.ID}}}} {{{{.Label \"{LABEL}\"}}}}");
    let list = process::output(&mut docker(&["ps", "--all", "--filter", &filter, "--format", &format]))?;
    let pairs = list.lines().filter_map(|line| line.split_once(' '));
    let ids: Vec<String> = pairs.filter(|(_, label)| ours(label)).map(|(id, _)| id.to_owned()).collect();
    if !ids.is_empty() {
        // Nothing in them is worth a graceful stop.
        process::output(docker(&["rm", "--force", "--volumes"]).args(&ids))?;
    }
    Ok(ids.len())
}

fn process_of(label: &str, checkout: &str) -> Option<u32> {
    label.strip_prefix(checkout)?.strip_prefix('-')?.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_run_names_its_checkout_and_process() {
        let run = new_run().unwrap();
        assert_eq!(process_of(&run, &checkout::hash().unwrap()), Some(std::process::id()));
        assert_eq!(process_of(&run, "another0hash"), None);
    }
}
