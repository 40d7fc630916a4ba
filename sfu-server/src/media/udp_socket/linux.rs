//! The system calls: setsockopt, recvmmsg, sendmmsg. The only unsafe code of the workspace.
#![allow(unsafe_code)]

use std::io;

use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsRawFd, RawFd};

use arrayvec::ArrayVec;
use sfu_core::media::path::{Path, Protocol};
use socket2::Socket;

use super::Features;
use super::control::{self, CONTROL_BYTES, Control, SO_RXQ_OVFL};
use super::counters::Counters;
use super::reading_clock::ReadingClock;
use super::recv_batch::{Message as ReceivedMessage, RECV_MESSAGES, RecvBatch};
use super::send::{MAX_MESSAGES, Message};
use super::sockaddr::{self, Name};

/// Where the kernel writes a received message's addresses.
#[derive(Clone, Debug, Default)]
pub(super) struct RecvHeader {
    name: Name,
    control: Control,
}

/// What a message to send needs beside its bytes.
struct SendHeader {
    name: Name,
    name_len: usize,
    control: Control,
    control_len: usize,
    bytes: libc::iovec,
}

/// Sets the options of a socket that will be bound to `addr`.
///
/// # Errors
///
/// A wildcard socket that cannot learn its datagrams' local address is refused: it would answer
/// from addresses that the peer never checked.
pub(super) fn prepare(socket: &Socket, addr: SocketAddr) -> io::Result<Features> {
    let fd = socket.as_raw_fd();
    let (level, local_address) = if addr.is_ipv4() {
        (libc::IPPROTO_IP, libc::IP_PKTINFO)
    } else {
        (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO)
    };
    if addr.ip().is_unspecified() {
        set_option(fd, level, local_address, 1)?;
    }
    // DF without the kernel's own path MTU guess: a forged ICMP message must not make our packets
    // too large. On IPv6 the probing mode alone still lets the kernel cut at the interface's MTU.
    let dont_fragment = if addr.is_ipv4() {
        set_option(fd, level, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE)
    } else {
        set_option(
            fd,
            level,
            libc::IPV6_MTU_DISCOVER,
            libc::IPV6_PMTUDISC_PROBE,
        )
        .and_then(|()| set_option(fd, level, libc::IPV6_DONTFRAG, 1))
    }
    .is_ok();
    // Only tells how many datagrams the full queue has cost; a kernel without it still serves.
    let _ = set_option(fd, libc::SOL_SOCKET, SO_RXQ_OVFL, 1);
    // Without it a datagram arrives when it is read.
    let _ = set_option(fd, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1);
    Ok(Features {
        // 0 is the default, "do not cut": accepted by every kernel that knows the option.
        segmentation: set_option(fd, libc::SOL_UDP, libc::UDP_SEGMENT, 0).is_ok(),
        coalescing: set_option(fd, libc::SOL_UDP, libc::UDP_GRO, 1).is_ok(),
        dont_fragment,
    })
}

/// Sets an option whose value is a C `int`.
pub(super) fn set_option(fd: RawFd, level: i32, name: i32, value: i32) -> io::Result<()> {
    let len = libc::socklen_t::try_from(size_of_val(&value)).expect("an int is 4 bytes");
    // SAFETY: the pointer and length are those of `value`, which outlives the call; the kernel
    // only reads it. A wrong descriptor or option is an error, not a fault.
    let result = unsafe { libc::setsockopt(fd, level, name, (&raw const value).cast(), len) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// One recvmmsg into `batch`, which is empty. Returns how many messages came.
pub(super) fn receive(
    socket: &std::net::UdpSocket,
    bound: SocketAddr,
    batch: &mut RecvBatch,
    counters: &mut Counters,
) -> io::Result<usize> {
    let mut vectors: ArrayVec<libc::iovec, RECV_MESSAGES> = batch
        .bytes
        .chunks_exact_mut(batch.buffer)
        .take(RECV_MESSAGES)
        .map(|buffer| libc::iovec {
            iov_base: buffer.as_mut_ptr().cast(),
            iov_len: buffer.len(),
        })
        .collect();
    let mut messages: ArrayVec<libc::mmsghdr, RECV_MESSAGES> = ArrayVec::new();
    for (vector, header) in vectors.iter_mut().zip(batch.headers.iter_mut()) {
        let mut message = empty_message();
        message.msg_hdr.msg_name = (&raw mut header.name).cast();
        message.msg_hdr.msg_namelen = size_of::<Name>() as _;
        message.msg_hdr.msg_iov = vector;
        message.msg_hdr.msg_iovlen = 1;
        message.msg_hdr.msg_control = (&raw mut header.control).cast();
        message.msg_hdr.msg_controllen = CONTROL_BYTES as _;
        messages.push(message);
    }
    // SAFETY: `messages` has as many elements as announced. In each, the name, the control and the
    // one iovec point to memory of the announced sizes, each to its own: buffers and headers that
    // `batch` owns and lends exclusively to this function, and `vectors`, which lives in it. None
    // of them is moved or touched through another reference before the call returns, and the
    // kernel keeps no pointer afterwards. Every byte of them is plain data that may take any value.
    let taken = unsafe {
        libc::recvmmsg(
            socket.as_raw_fd(),
            messages.as_mut_ptr(),
            messages.len() as _,
            0,
            std::ptr::null_mut(),
        )
    };
    let taken = usize::try_from(taken).map_err(|_| io::Error::last_os_error())?;
    let clock = ReadingClock::now();
    for (message, header) in messages.iter().zip(&batch.headers).take(taken) {
        let read = read_message(message, header, batch.buffer, bound, clock, counters);
        if read.is_none() {
            counters.recv_skipped += 1;
        }
        batch
            .messages
            .push(read.unwrap_or(ReceivedMessage::empty(clock.instant)));
    }
    Ok(taken)
}

/// What the kernel wrote about one message in a buffer of `capacity` bytes; none when it is to be skipped.
fn read_message(
    message: &libc::mmsghdr,
    header: &RecvHeader,
    capacity: usize,
    bound: SocketAddr,
    clock: ReadingClock,
    counters: &mut Counters,
) -> Option<ReceivedMessage> {
    if message.msg_hdr.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC) != 0 {
        return None;
    }
    let len = usize::try_from(message.msg_len)
        .ok()
        .filter(|&len| len <= capacity)?;
    // The field is a size_t in one C library and a socklen_t in another.
    #[allow(clippy::unnecessary_cast)]
    let control_len = (message.msg_hdr.msg_controllen as usize).min(CONTROL_BYTES);
    let control = control::read(&header.control.bytes[..control_len]);
    if let Some(drops) = control.drops {
        counters.recv_kernel_drops = drops.into();
    }
    let name_len = usize::try_from(message.msg_hdr.msg_namelen).ok()?;
    Some(ReceivedMessage {
        path: Path {
            protocol: Protocol::Udp,
            local: local_address(bound, control.local)?,
            remote: sockaddr::read(&header.name, name_len)?,
        },
        arrived: clock.at(control.arrived),
        len,
        segment: control.segment.unwrap_or(len.max(1)),
    })
}

/// The address that a datagram came to: the bound one, or on a wildcard socket what the kernel
/// told. An interface's index belongs to link-local addresses only; others compare without.
fn local_address(bound: SocketAddr, told: Option<(IpAddr, u32)>) -> Option<SocketAddr> {
    if !bound.ip().is_unspecified() {
        return Some(bound);
    }
    Some(match told? {
        (IpAddr::V6(ip), interface) if ip.is_unicast_link_local() => {
            SocketAddrV6::new(ip, bound.port(), 0, interface).into()
        }
        (ip, _) => SocketAddr::new(ip, bound.port()),
    })
}

/// One sendmmsg of `messages`, at most [`MAX_MESSAGES`]. Returns how many the kernel took; an error
/// speaks of the first.
pub(super) fn transmit(
    socket: &std::net::UdpSocket,
    messages: &[Message<'_>],
) -> io::Result<usize> {
    let mut headers: ArrayVec<SendHeader, MAX_MESSAGES> = ArrayVec::new();
    headers.extend(messages.iter().take(MAX_MESSAGES).map(send_header));
    let mut raw: ArrayVec<libc::mmsghdr, MAX_MESSAGES> = ArrayVec::new();
    for header in &mut headers {
        let mut message = empty_message();
        message.msg_hdr.msg_name = (&raw mut header.name).cast();
        message.msg_hdr.msg_namelen = header.name_len as _;
        message.msg_hdr.msg_iov = &raw mut header.bytes;
        message.msg_hdr.msg_iovlen = 1;
        if header.control_len > 0 {
            message.msg_hdr.msg_control = (&raw mut header.control).cast();
            message.msg_hdr.msg_controllen = header.control_len as _;
        }
        raw.push(message);
    }
    // SAFETY: `raw` has as many elements as announced. In each, name, control and iovec point into
    // an element of `headers` with lengths that `send_header` wrote within their sizes; `headers`
    // is complete before the first pointer is taken and lives, unmoved, beyond the call. The
    // iovecs point to byte slices that `messages` borrows for as long; the kernel only reads them,
    // and writes nothing but `raw`'s own message lengths.
    let taken = unsafe { libc::sendmmsg(socket.as_raw_fd(), raw.as_mut_ptr(), raw.len() as _, 0) };
    usize::try_from(taken).map_err(|_| io::Error::last_os_error())
}

/// The name, control messages and vector of `message`.
fn send_header(message: &Message<'_>) -> SendHeader {
    let mut name = Name::default();
    let name_len = sockaddr::write(&mut name, message.remote);
    let mut control = Control::default();
    let mut writer = control::Writer::new(&mut control);
    if let Some(segment) = message.segment {
        writer.segment(segment);
    }
    if let Some(source) = message.source {
        writer.source(source);
    }
    let control_len = writer.len();
    SendHeader {
        name,
        name_len,
        control,
        control_len,
        bytes: libc::iovec {
            iov_base: message.bytes.as_ptr().cast_mut().cast(),
            iov_len: message.bytes.len(),
        },
    }
}

/// A message of nothing. The structure has private padding in some C libraries, so that it cannot
/// be written as a literal.
fn empty_message() -> libc::mmsghdr {
    // SAFETY: every field is an integer or a raw pointer, for which all zeros is a valid value.
    unsafe { std::mem::zeroed() }
}
