//! Which URLs lead to other machines without encryption.

use std::net::IpAddr;

use url::Url;

/// The host that a Postgres URL reaches in plaintext, if that is another machine. Without `sslmode` a connection is not
/// encrypted; the adapter refuses the modes that fall back to plaintext.
pub(crate) fn postgres_host(url: &Url) -> Option<String> {
    let values = |name| url.query_pairs().filter(move |(key, _)| key == name).map(|(_, value)| value.into_owned());
    if values("sslmode").any(|mode| mode != "disable") {
        return None;
    }
    // An address takes the place of the host, whose name is then only compared with the certificate's.
    let addresses: Vec<String> = values("hostaddr").collect();
    let hosts = if addresses.is_empty() {
        url.host_str().map(str::to_owned).into_iter().chain(values("host")).collect()
    } else {
        addresses
    };
    let mut hosts = hosts.iter().flat_map(|hosts| hosts.split(',')).filter(|host| !host.is_empty());
    hosts.find(|host| !is_this_machine(host)).map(str::to_owned)
}

/// The host that a broker's URL reaches in plaintext, if that is another machine.
pub(crate) fn broker_host(url: &Url) -> Option<&str> {
    url.host_str().filter(|host| url.scheme() == "amqp" && !is_this_machine(host))
}

/// The host that a web URL reaches in plaintext, if that is another machine.
pub(crate) fn web_host(url: &Url) -> Option<&str> {
    url.host_str().filter(|host| url.scheme() == "http" && !is_this_machine(host))
}

/// A loopback address, or the directory of a Unix socket.
fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let is_directory = host.starts_with('/') || host.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("%2f"));
    is_directory
        || host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postgres(url: &str) -> Option<String> {
        postgres_host(&Url::parse(url).unwrap())
    }

    #[test]
    fn plaintext_to_another_machine_is_found() {
        for (url, host) in [
            ("postgres://u:p@db.example:6432/d", "db.example"),
            ("postgres://u:p@10.0.0.5/d?sslmode=disable", "10.0.0.5"),
            ("postgres://u:p@[fd00::5]/d?application_name=x", "[fd00::5]"),
            ("postgres://u:p@localhost,db.example/d", "db.example"),
            ("postgres://u:p@localhost/d?hostaddr=10.0.0.5", "10.0.0.5"),
            ("postgres://u:p@localhost/d?host=db.example", "db.example"),
        ] {
            assert_eq!(postgres(url).as_deref(), Some(host), "{url}");
        }
    }

    #[test]
    fn encrypted_or_local_connection_is_not_plaintext() {
        for url in [
            "postgres://u:p@db.example/d?sslmode=require",
            "postgres://u:p@db.example/d?application_name=x&sslmode=verify-full&sslrootcert=/ca.pem",
            "postgres://u:p@localhost/d",
            "postgres://u:p@127.0.0.1:5432/d?sslmode=disable",
            "postgres://u:p@[::1]/d",
            "postgres://u@%2frun%2fpostgresql/d",
            "postgres://u@localhost/d?host=/run/postgresql",
            "postgres://u:p@db.example/d?hostaddr=127.0.0.1",
        ] {
            assert_eq!(postgres(url), None, "{url}");
        }
    }

    #[test]
    fn plaintext_broker_on_another_machine_is_found() {
        let broker = |url: &str| broker_host(&Url::parse(url).unwrap()).map(str::to_owned);
        assert_eq!(broker("amqp://u:p@mq.example:5672/%2f").as_deref(), Some("mq.example"));
        for url in ["amqps://u:p@mq.example", "amqp://u:p@localhost", "amqp://u:p@127.0.0.1:5672", "amqp://u:p@[::1]"] {
            assert_eq!(broker(url), None, "{url}");
        }
    }

    #[test]
    fn plaintext_web_server_on_another_machine_is_found() {
        let web = |url: &str| web_host(&Url::parse(url).unwrap()).map(str::to_owned);
        assert_eq!(web("http://graph.example/x").as_deref(), Some("graph.example"));
        for url in ["https://graph.example", "http://localhost:1", "http://127.0.0.1:5672", "http://[::1]"] {
            assert_eq!(web(url), None, "{url}");
        }
    }
}
