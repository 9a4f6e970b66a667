use std::net::IpAddr;

/// Where a request came from. Empty at the command line and in scheduled tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestOrigin {
    pub address: Option<IpAddr>,
    pub request_id: Option<String>,
}
