use std::net::IpAddr;

use ipnet::IpNet;

/// The networks from which a key may be used; from everywhere if there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

/// The text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an address or a network, such as 192.0.2.7 or 2001:db8::/32")]
pub struct InvalidNetwork;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have at most {} networks", Networks::MAX)]
pub struct TooManyNetworks;

impl Networks {
    pub const MAX: usize = 50;

    /// Reads one network. Bits behind the prefix are dropped: `192.0.2.7/24` is `192.0.2.0/24`.
    ///
    /// # Errors
    /// [`InvalidNetwork`].
    pub fn parse_one(text: &str) -> Result<IpNet, InvalidNetwork> {
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).map_err(|_| InvalidNetwork)?;
        Ok(canonical(network).trunc())
    }

    /// # Errors
    /// [`TooManyNetworks`].
    pub fn new(mut networks: Vec<IpNet>) -> Result<Self, TooManyNetworks> {
        networks.sort_unstable();
        networks.dedup();
        if networks.len() <= Self::MAX { Ok(Self(networks)) } else { Err(TooManyNetworks) }
    }

    /// Whether a key may be used from an address. An unknown address is in no network.
    #[must_use]
    pub fn allow(&self, address: Option<IpAddr>) -> bool {
        self.0.is_empty()
            || address.is_some_and(|address| {
                let address = address.to_canonical();
                self.0.iter().any(|network| network.contains(&address))
            })
    }

    /// As texts, for the database and the API.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

/// A network of IPv4 addresses that is written in IPv6, as the one of IPv4 that clients have.
fn canonical(network: IpNet) -> IpNet {
    const MAPPED_PREFIX: u8 = 96;
    let IpNet::V6(of_v6) = network else { return network };
    match (of_v6.addr().to_ipv4_mapped(), of_v6.prefix_len().checked_sub(MAPPED_PREFIX)) {
        (Some(address), Some(prefix)) => IpNet::new(address.into(), prefix).unwrap_or(network),
        _ => network,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Networks {
        Networks::new(texts.iter().map(|text| Networks::parse_one(text).unwrap()).collect()).unwrap()
    }

    #[test]
    fn address_is_allowed_in_its_networks_only() {
        let networks = networks(&["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"]);
        for (address, allowed) in [
            ("192.0.2.1", true),
            ("192.0.3.1", false),
            ("::ffff:192.0.2.1", true),
            ("::ffff:192.0.3.1", false),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
            ("198.51.100.7", true),
            ("198.51.100.8", false),
        ] {
            assert_eq!(networks.allow(Some(address.parse().unwrap())), allowed, "{address}");
        }
        assert!(!networks.allow(None));
    }

    #[test]
    fn no_network_allows_each_address() {
        assert!(Networks::default().allow(None));
        assert!(Networks::default().allow(Some("192.0.2.1".parse().unwrap())));
    }

    #[test]
    fn networks_are_shown_without_spare_bits_and_repetitions() {
        let shown = networks(&["192.0.2.7/24", "192.0.2.0/24", "::ffff:10.0.0.1/104", "10.1.2.3"]).texts();
        assert_eq!(shown, ["10.0.0.0/8", "10.1.2.3/32", "192.0.2.0/24"]);
        for wrong in ["", "x", "192.0.2.0/33", "192.0.2/24", "2001:db8::/129", "192.0.2.1/", " 192.0.2.1"] {
            assert_eq!(Networks::parse_one(wrong), Err(InvalidNetwork), "{wrong:?}");
        }
        let many = (0..51).map(|last| Networks::parse_one(&format!("192.0.2.{last}")).unwrap()).collect();
        assert_eq!(Networks::new(many), Err(TooManyNetworks));
    }
}
