//! Socket addresses as Linux lays them out (ip(7), ipv6(7)). Bytes only, nothing unsafe.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// Bytes of a `sockaddr_in`: family 2, port 2, address 4, zeros 8.
const V4_BYTES: usize = 16;

/// Bytes of a `sockaddr_in6`: family 2, port 2, flow 4, address 16, scope 4.
const V6_BYTES: usize = 28;

/// Memory for a socket address, aligned as the kernel's structures are.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(8))]
pub(super) struct Name {
    pub(super) bytes: [u8; V6_BYTES],
}

/// Writes `address` and returns how many bytes it takes.
pub(super) fn write(name: &mut Name, address: SocketAddr) -> usize {
    let out = &mut name.bytes;
    out[2..4].copy_from_slice(&address.port().to_be_bytes());
    match address {
        SocketAddr::V4(v4) => {
            out[..2].copy_from_slice(&family(libc::AF_INET).to_ne_bytes());
            out[4..8].copy_from_slice(&v4.ip().octets());
            out[8..V4_BYTES].fill(0);
            V4_BYTES
        }
        SocketAddr::V6(v6) => {
            out[..2].copy_from_slice(&family(libc::AF_INET6).to_ne_bytes());
            out[4..8].fill(0);
            out[8..24].copy_from_slice(&v6.ip().octets());
            out[24..].copy_from_slice(&v6.scope_id().to_ne_bytes());
            V6_BYTES
        }
    }
}

/// Reads an address of `len` bytes; none when it is neither IPv4 nor IPv6.
pub(super) fn read(name: &Name, len: usize) -> Option<SocketAddr> {
    let bytes = name.bytes.get(..len)?;
    let kind = u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?);
    let port = u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?);
    if kind == family(libc::AF_INET) {
        let ip: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
        return Some(SocketAddrV4::new(Ipv4Addr::from(ip), port).into());
    }
    if kind == family(libc::AF_INET6) {
        let ip: [u8; 16] = bytes.get(8..24)?.try_into().ok()?;
        let scope = u32::from_ne_bytes(bytes.get(24..28)?.try_into().ok()?);
        return Some(SocketAddrV6::new(Ipv6Addr::from(ip), port, 0, scope).into());
    }
    None
}

/// An address family as the two bytes that begin a socket address.
fn family(family: i32) -> u16 {
    u16::try_from(family).expect("Linux's address families are below 64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_and_match_the_c_librarys_layout() {
        for text in ["127.0.0.2:7882", "[::1]:9", "[fe80::1%3]:65535"] {
            let address: SocketAddr = text.parse().unwrap();
            let mut name = Name::default();
            let len = write(&mut name, address);
            assert_eq!(read(&name, len), Some(address));
            let theirs = socket2::SockAddr::from(address);
            assert_eq!(usize::try_from(theirs.len()).unwrap(), len);
        }
        assert_eq!(size_of::<libc::sockaddr_in>(), V4_BYTES);
        assert_eq!(size_of::<libc::sockaddr_in6>(), V6_BYTES);
    }

    #[test]
    fn a_short_or_foreign_name_is_none() {
        let mut name = Name::default();
        assert_eq!(read(&name, 28), None);
        let len = write(&mut name, "[::1]:9".parse().unwrap());
        for cut in 0..len {
            assert_eq!(read(&name, cut), None);
        }
        assert_eq!(read(&name, 128), None);
    }
}
