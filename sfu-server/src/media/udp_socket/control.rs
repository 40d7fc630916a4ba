//! Control messages beside a datagram, as Linux lays them out (cmsg(3)): a header of length, level
//! and type, the data, each padded to the machine's word. Bytes only, nothing unsafe.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// The machine's word, in bytes: CMSG_ALIGN's step, and the size of a header's length field.
const WORD: usize = size_of::<usize>();

/// Bytes of a header: `size_t cmsg_len; int cmsg_level; int cmsg_type;`.
const HEADER: usize = WORD + 4 + 4;

/// Nanoseconds of a second.
const NANOSECONDS: u32 = 1_000_000_000;

/// SO_RXQ_OVFL of `asm-generic/socket.h`, which `libc` does not name for Linux.
pub(super) const SO_RXQ_OVFL: i32 = 40;

/// Bytes for the control messages of one datagram. Sending needs two (a size, an address: 64 bytes
/// at most), receiving four (an address, a size, the dropped count, a time: 120 at most). What does not
/// fit is cut off by the kernel, and the message skipped.
pub(super) const CONTROL_BYTES: usize = 128;

/// Memory for control messages, aligned as their headers must be.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(8))]
pub(super) struct Control {
    pub(super) bytes: [u8; CONTROL_BYTES],
}

impl Default for Control {
    fn default() -> Self {
        Self {
            bytes: [0; CONTROL_BYTES],
        }
    }
}

/// What a received datagram's control messages say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Received {
    /// The local address, when the socket asked for it, and the interface's index.
    pub(super) local: Option<(IpAddr, u32)>,
    /// Size of each datagram in a coalesced message.
    pub(super) segment: Option<usize>,
    /// Datagrams that the socket has dropped so far.
    pub(super) drops: Option<u32>,
    /// When the kernel had it from its device: the wall clock's time since 1970.
    pub(super) arrived: Option<Duration>,
}

/// Writes control messages one behind the other.
pub(super) struct Writer<'a> {
    control: &'a mut Control,
    used: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn new(control: &'a mut Control) -> Self {
        Self { control, used: 0 }
    }

    /// Bytes written.
    pub(super) fn len(&self) -> usize {
        self.used
    }

    /// UDP_SEGMENT: cut the message into datagrams of `size` bytes.
    pub(super) fn segment(&mut self, size: u16) {
        self.push(libc::SOL_UDP, libc::UDP_SEGMENT, &size.to_ne_bytes());
    }

    /// IP_PKTINFO or IPV6_PKTINFO: leave from `address`.
    pub(super) fn source(&mut self, address: SocketAddr) {
        match address {
            SocketAddr::V4(v4) => {
                // struct in_pktinfo { int ifindex; in_addr spec_dst; in_addr addr; }: the middle
                // one is the source; interface 0 leaves the route to the kernel.
                let mut info = [0; 12];
                info[4..8].copy_from_slice(&v4.ip().octets());
                self.push(libc::IPPROTO_IP, libc::IP_PKTINFO, &info);
            }
            SocketAddr::V6(v6) => {
                // struct in6_pktinfo { in6_addr addr; unsigned ifindex; } (RFC 3542 section 6.2):
                // an interface only for link-local addresses, which mean nothing without.
                let mut info = [0; 20];
                info[..16].copy_from_slice(&v6.ip().octets());
                info[16..].copy_from_slice(&v6.scope_id().to_ne_bytes());
                self.push(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &info);
            }
        }
    }

    fn push(&mut self, level: i32, kind: i32, data: &[u8]) {
        let out = &mut self.control.bytes[self.used..];
        let len = HEADER + data.len();
        out[..WORD].copy_from_slice(&len.to_ne_bytes());
        out[WORD..WORD + 4].copy_from_slice(&level.to_ne_bytes());
        out[WORD + 4..HEADER].copy_from_slice(&kind.to_ne_bytes());
        out[HEADER..len].copy_from_slice(data);
        self.used += len.next_multiple_of(WORD);
    }
}

/// Reads what is known among control messages; what is unknown or cut off is passed over.
pub(super) fn read(mut control: &[u8]) -> Received {
    let mut received = Received::default();
    while let Some((header, rest)) = control.split_first_chunk::<HEADER>() {
        let (len, kind) = header.split_at(WORD);
        let len = usize::from_ne_bytes(len.try_into().expect("split at a word"));
        let level = int(&kind[..4]);
        let kind = int(&kind[4..]);
        let Some(data) = len.checked_sub(HEADER).and_then(|len| rest.get(..len)) else {
            break;
        };
        match (level, kind) {
            (libc::IPPROTO_IP, libc::IP_PKTINFO) if data.len() >= 12 => {
                // The address to answer from, which for a unicast datagram is the one it came to.
                let octets: [u8; 4] = data[4..8].try_into().expect("four bytes");
                received.local = Some((Ipv4Addr::from(octets).into(), 0));
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) if data.len() >= 20 => {
                let octets: [u8; 16] = data[..16].try_into().expect("sixteen bytes");
                let interface = int(&data[16..20]).cast_unsigned();
                received.local = Some((Ipv6Addr::from(octets).into(), interface));
            }
            (libc::SOL_UDP, libc::UDP_GRO) if data.len() >= 4 => {
                received.segment = usize::try_from(int(&data[..4])).ok().filter(|&s| s > 0);
            }
            (libc::SOL_SOCKET, SO_RXQ_OVFL) if data.len() >= 4 => {
                received.drops = Some(int(&data[..4]).cast_unsigned());
            }
            (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => received.arrived = timespec(data),
            _ => {}
        }
        control = control.get(len.next_multiple_of(WORD)..).unwrap_or(&[]);
    }
    received
}

/// `struct timespec { time_t tv_sec; long tv_nsec; }`: two words of the machine. Systems of 32 bits
/// have a wider one too, which is passed over.
fn timespec(data: &[u8]) -> Option<Duration> {
    let (seconds, nanoseconds) = data.split_first_chunk::<WORD>()?;
    let nanoseconds = isize::from_ne_bytes(nanoseconds.try_into().ok()?);
    let seconds = u64::try_from(isize::from_ne_bytes(*seconds)).ok()?;
    let nanoseconds = u32::try_from(nanoseconds)
        .ok()
        .filter(|&n| n < NANOSECONDS)?;
    Some(Duration::new(seconds, nanoseconds))
}

/// A C `int` of four bytes.
fn int(bytes: &[u8]) -> i32 {
    i32::from_ne_bytes(bytes.try_into().expect("four bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_the_unknown_passed_over() {
        let mut control = Control::default();
        let mut writer = Writer::new(&mut control);
        writer.push(libc::SOL_SOCKET, 999, &[1, 2, 3]);
        writer.push(libc::SOL_UDP, libc::UDP_GRO, &1200_i32.to_ne_bytes());
        writer.source("[fe80::1%7]:1".parse().unwrap());
        writer.push(libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS, &words([1, 2]));
        let len = writer.len();
        assert_eq!(
            read(&control.bytes[..len]),
            Received {
                local: Some((IpAddr::V6("fe80::1".parse().unwrap()), 7)),
                segment: Some(1200),
                drops: None,
                arrived: Some(Duration::new(1, 2)),
            }
        );
    }

    fn words(words: [isize; 2]) -> [u8; 2 * WORD] {
        let mut bytes = [0; 2 * WORD];
        bytes[..WORD].copy_from_slice(&words[0].to_ne_bytes());
        bytes[WORD..].copy_from_slice(&words[1].to_ne_bytes());
        bytes
    }

    #[test]
    fn a_time_that_cannot_be_is_none() {
        assert_eq!(timespec(&words([0, 0])), Some(Duration::ZERO));
        for absurd in [
            [-1, 0],
            [0, -1],
            [0, 1_000_000_000],
            [isize::MIN, isize::MAX],
        ] {
            assert_eq!(timespec(&words(absurd)), None, "{absurd:?}");
        }
        assert_eq!(timespec(&[0; 2 * WORD - 1]), None);
        assert_eq!(timespec(&[0; 2 * WORD + 1]), None);
    }

    #[test]
    fn cut_off_and_absurd_lengths_end_the_reading() {
        let mut control = Control::default();
        let mut writer = Writer::new(&mut control);
        writer.source("127.0.0.2:1".parse().unwrap());
        let len = writer.len();
        assert!(read(&control.bytes[..len]).local.is_some());
        for cut in 0..HEADER + 12 {
            assert_eq!(read(&control.bytes[..cut]), Received::default());
        }
        for absurd in [0, 1, HEADER - 1, CONTROL_BYTES, usize::MAX - 3, usize::MAX] {
            control.bytes[..WORD].copy_from_slice(&absurd.to_ne_bytes());
            assert_eq!(read(&control.bytes[..len]), Received::default());
        }
    }

    #[test]
    fn the_layout_is_the_c_librarys() {
        let mut control = Control::default();
        let mut writer = Writer::new(&mut control);
        writer.segment(1200);
        writer.source("[::1]:1".parse().unwrap());
        let len = writer.len();
        assert_eq!(HEADER, size_of::<libc::cmsghdr>());
        assert_eq!(12, size_of::<libc::in_pktinfo>());
        assert_eq!(20, size_of::<libc::in6_pktinfo>());
        assert_eq!(2 * WORD, size_of::<libc::timespec>());
        // CMSG_SPACE(2) + CMSG_SPACE(20)
        assert_eq!(len, 24 + 40);
    }
}
