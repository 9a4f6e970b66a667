//! Ports: the one of last time while it is free, else any free one. A port that somebody uses is never fought for.

use crate::error::{Context, Result};
use crate::store::Store;
use std::net::{Ipv4Addr, TcpListener};

/// The port remembered under `name`, or `preferred`, or a free one; remembered for the next run.
pub(crate) fn choose(store: &mut Store, name: &str, preferred: Option<u16>) -> Result<u16> {
    let last = store.get(name).and_then(|text| text.parse().ok());
    let port = first_free([last, preferred])?;
    store.set(name, port.to_string())?;
    Ok(port)
}

fn first_free(wanted: [Option<u16>; 2]) -> Result<u16> {
    match wanted.into_iter().flatten().find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()) {
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
    fn a_free_wish_is_granted_and_a_taken_one_avoided() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let taken_port = taken.local_addr().unwrap().port();
        let free_port = first_free([Some(taken_port), None]).unwrap();
        assert_ne!(free_port, taken_port);
        assert_eq!(first_free([Some(taken_port), Some(free_port)]).unwrap(), free_port);
    }
}
