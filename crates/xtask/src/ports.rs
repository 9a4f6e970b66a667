//! Ports: the one of the last run if it is free, else any free one.

use crate::error::{Context, Result, fail};
use crate::store::Store;
use std::net::{Ipv4Addr, TcpListener};

/// Below those that systems give to outgoing connections.
const STEADY: std::ops::Range<u16> = 20_000..32_000;

/// The port remembered under `name`, or `preferred`, or a free one; remembered for the next run.
pub(crate) fn choose(store: &mut Store, name: &str, preferred: Option<u16>) -> Result<u16> {
    let last = store.get(name).and_then(|text| text.parse().ok());
    let port = first_free([last, preferred])?;
    store.set(name, port.to_string())?;
    Ok(port)
}

/// Remembers free ports under `names`, for servers that will be down for a while: no other process gets such a port
/// meanwhile, and a client that tries again and again to reach it does not meet itself there one day.
pub(crate) fn choose_steady(store: &mut Store, names: &[&str]) -> Result {
    // Runs side by side begin at different places.
    let start = u16::try_from(std::process::id() % u32::from(STEADY.end - STEADY.start)).unwrap_or_default();
    let mut free = STEADY.cycle().skip(start.into()).take(STEADY.len()).filter(|port| is_free(*port));
    for name in names {
        let Some(port) = free.next() else {
            return fail(format!("no free port from {} to {} on 127.0.0.1", STEADY.start, STEADY.end));
        };
        store.set(name, port.to_string())?;
    }
    Ok(())
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn first_free(wanted: [Option<u16>; 2]) -> Result<u16> {
    match wanted.into_iter().flatten().find(|port| is_free(*port)) {
        Some(port) => Ok(port),
        None => TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| Ok(listener.local_addr()?.port()))
            .context(|| "no free port on 127.0.0.1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferred_port_is_used_if_free() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let taken_port = taken.local_addr().unwrap().port();
        let free_port = first_free([Some(taken_port), None]).unwrap();
        assert_ne!(free_port, taken_port);
        assert_eq!(first_free([Some(taken_port), Some(free_port)]).unwrap(), free_port);
    }
}
