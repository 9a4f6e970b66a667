use std::net::IpAddr;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The proxies whose `X-Forwarded-For` is trusted. Any other peer can put anything into the header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// The client's address, if known: the peer's address or, if the peer is a trusted proxy, the right-most address in
    /// the header that is not a trusted proxy. Only entries appended by trusted proxies count.
    pub(crate) fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let mut client = peer?.to_canonical();
        // As bytes: a client may put bytes into its part of a line that are no text, and proxies append to that line.
        let lines: Vec<&[u8]> = headers.get_all(X_FORWARDED_FOR).map(HeaderValue::as_bytes).collect();
        let mut hops = lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
        while self.trusts(client) {
            // A hop that is not an address, such as `unknown`, ends the search: the hops before it are not trusted
            // either.
            let Some(hop) = hops.next().and_then(address) else { break };
            client = hop;
        }
        Some(client)
    }

    /// Whether a trusted proxy says that its client uses HTTPS. The last value is that of the proxy itself.
    pub(crate) fn forwarded_https(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> bool {
        let last = headers.get_all(X_FORWARDED_PROTO).last().map(HeaderValue::as_bytes);
        let last = last.and_then(|line| line.rsplit(|byte| *byte == b',').next());
        peer.is_some_and(|peer| self.trusts(peer.to_canonical()))
            && last.is_some_and(|scheme| scheme.trim_ascii().eq_ignore_ascii_case(b"https"))
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// An address, with or without a port: proxies write both.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let hop = str::from_utf8(hop).ok()?.trim();
    let bare = hop.strip_prefix('[').and_then(|hop| hop.split_once(']')).map_or(hop, |(address, _)| address);
    let plain = bare.parse::<IpAddr>().ok();
    let with_port = || bare.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    plain.or_else(with_port).map(|address| address.to_canonical())
}

impl From<Vec<IpNet>> for TrustedProxies {
    fn from(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client<L: AsRef<[u8]>>(trusted: &str, peer: &str, lines: &[L]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(line.as_ref()).unwrap());
        }
        let networks = trusted.split(',').map(str::trim).filter(|text| !text.is_empty());
        let networks = networks.map(|text| text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).unwrap());
        let trusted = TrustedProxies::from(networks.collect::<Vec<_>>());
        trusted.client(Some(peer.parse().unwrap()), &headers).unwrap().to_string()
    }

    #[test]
    fn header_of_untrusted_peer_is_ignored() {
        assert_eq!(client("", "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(client("10.0.0.0/8", "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(client::<&str>("10.0.0.0/8", "10.1.2.3", &[]), "10.1.2.3");
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", &["198.51.100.7"]), "198.51.100.7");
    }

    #[test]
    fn only_a_trusted_proxy_says_that_https_is_used() {
        let proxies = TrustedProxies::from(vec!["10.0.0.0/8".parse().unwrap()]);
        let says_https = |peer: &str, lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(X_FORWARDED_PROTO, HeaderValue::from_str(line).unwrap());
            }
            proxies.forwarded_https(Some(peer.parse().unwrap()), &headers)
        };
        assert!(says_https("10.1.2.3", &["https"]));
        assert!(says_https("10.1.2.3", &["http, HTTPS"]));
        assert!(!says_https("10.1.2.3", &["https", "http"]));
        assert!(!says_https("10.1.2.3", &[]));
        assert!(!says_https("192.0.2.1", &["https"]));
    }

    #[test]
    fn rightmost_untrusted_hop_is_the_client() {
        let ours = "10.0.0.0/8, 2001:db8::/32,192.0.2.9";
        for (lines, expected) in [
            (&["1.1.1.1, 198.51.100.7"][..], "198.51.100.7"),
            (&["1.1.1.1, 198.51.100.7, 10.9.9.9,192.0.2.9"], "198.51.100.7"),
            (&["1.1.1.1", "198.51.100.7", "10.9.9.9"], "198.51.100.7"),
            (&["198.51.100.7:4711, [2001:db8::1]:443"], "198.51.100.7"),
            (&["::ffff:198.51.100.7, ::ffff:10.0.0.1"], "198.51.100.7"),
            (&["1.1.1.1, unknown, 10.9.9.9"], "10.9.9.9"),
            (&["1.1.1.1, unknown"], "10.1.2.3"),
            (&["10.0.0.7, 10.0.0.8"], "10.0.0.7"),
            (&[""], "10.1.2.3"),
        ] {
            assert_eq!(client(ours, "10.1.2.3", lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn bytes_of_client_that_are_no_text_do_not_hide_it() {
        for (lines, expected) in [
            (&[&b"\xe9, 198.51.100.7"[..]][..], "198.51.100.7"),
            (&[b"1.1.1.1, \xff\xfe,198.51.100.7, 10.9.9.9"], "198.51.100.7"),
            (&[b"\xe9", b"198.51.100.7"], "198.51.100.7"),
            (&[b"198.51.100.7, \xe9"], "10.1.2.3"),
            (&[b"198.51.100.7\xe9"], "10.1.2.3"),
        ] {
            assert_eq!(client("10.0.0.0/8", "10.1.2.3", lines), expected, "{lines:?}");
        }
    }
}
