//! Which addresses clients are told to send media to.

use std::net::IpAddr;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

use super::ConfigError;

/// The operator's choice, or the host's own addresses. In development loopback is one of them, so
/// that a call on a machine without a network works.
pub(super) fn advertised(
    mut chosen: Vec<IpAddr>,
    development: bool,
) -> Result<Vec<IpAddr>, ConfigError> {
    if let Some(wrong) = chosen
        .iter()
        .find(|ip| ip.is_unspecified() || ip.is_multicast())
    {
        return Err(ConfigError::Advertise(*wrong));
    }
    if chosen.is_empty() {
        chosen = usable(host_addresses(), development);
    }
    if chosen.is_empty() {
        return Err(ConfigError::NoAddress);
    }
    Ok(chosen)
}

/// Every address of the host's interfaces that are up; empty where the host does not say.
#[must_use]
pub fn host_addresses() -> Vec<IpAddr> {
    let Ok(interfaces) = getifaddrs() else {
        return Vec::new();
    };
    interfaces
        .filter(|interface| interface.flags.contains(InterfaceFlags::IFF_UP))
        .filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
        })
        .collect()
}

/// Those that a client can be told of, best first: IPv4, then IPv6, loopback last. A link-local
/// IPv6 address means nothing without the client's own interface name. Loopback is left out outside
/// development, unless the host has nothing else.
pub(super) fn usable(mut addresses: Vec<IpAddr>, development: bool) -> Vec<IpAddr> {
    addresses.retain(|ip| match ip {
        IpAddr::V4(v4) => !v4.is_unspecified(),
        IpAddr::V6(v6) => !v6.is_unspecified() && !v6.is_unicast_link_local(),
    });
    addresses.sort_by_key(|ip| (ip.is_loopback(), ip.is_ipv6()));
    addresses.dedup();
    let reachable = addresses.iter().filter(|ip| !ip.is_loopback()).count();
    if reachable > 0 && !development {
        addresses.truncate(reachable);
    }
    addresses
}
