//! On loopback, with the kernel itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use super::*;
use crate::media::send_queue::SendQueue;

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

fn bind(ip: IpAddr) -> UdpSocket {
    UdpSocket::bind(SocketAddr::new(ip, 0)).unwrap()
}

fn path(local: SocketAddr, remote: SocketAddr) -> Path {
    Path {
        protocol: Protocol::Udp,
        local,
        remote,
    }
}

/// A datagram whose content tells its number and length.
fn datagram(number: u16, len: usize) -> Vec<u8> {
    let mut bytes = vec![number.to_be_bytes()[1]; len];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    bytes
}

fn push(batch: &mut SendBatch, path: Path, bytes: &[u8]) {
    batch
        .push(path, |out| {
            out[..bytes.len()].copy_from_slice(bytes);
            Some(bytes.len())
        })
        .unwrap();
}

/// Receives `count` datagrams. Loopback delivers at once or very soon; the limit only turns a loss
/// into a failure instead of a hang.
fn receive(socket: &UdpSocket, count: usize) -> Vec<(Path, Vec<u8>)> {
    let mut batch = RecvBatch::new();
    let mut received = Vec::new();
    let limit = Instant::now() + Duration::from_secs(20);
    while received.len() < count {
        match socket.recv(&mut batch) {
            Ok(_) => received.extend(batch.datagrams().map(|(p, _, d)| (p, d.to_vec()))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                assert!(Instant::now() < limit, "{} of {count} came", received.len());
                std::thread::yield_now();
            }
            Err(error) => panic!("{error}"),
        }
    }
    received
}

fn bytes_of(received: Vec<(Path, Vec<u8>)>) -> Vec<Vec<u8>> {
    received.into_iter().map(|(_, bytes)| bytes).collect()
}

fn assert_empty(socket: &UdpSocket) {
    let error = socket.recv(&mut RecvBatch::new()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn a_datagram_goes_there_and_back_on_both_families() {
    for ip in [V4, V6] {
        let (ours, theirs) = (bind(ip), bind(ip));
        let mut batch = SendBatch::with_capacity(4000);
        let there = path(ours.local_addr(), theirs.local_addr());
        push(&mut batch, there, b"there");
        let progress = ours.send(&batch, 0);
        assert_eq!((progress.runs, progress.blocked), (1, false));
        let came = receive(&theirs, 1);
        let back = path(theirs.local_addr(), ours.local_addr());
        assert_eq!(came, [(back, b"there".to_vec())]);

        batch.clear();
        push(&mut batch, came[0].0, b"back");
        assert!(!theirs.send(&batch, 0).blocked);
        assert_eq!(receive(&ours, 1), [(there, b"back".to_vec())]);
        assert_empty(&ours);
    }
}

#[test]
fn an_ipv6_wildcard_leaves_the_port_free_for_ipv4() {
    let six = bind(Ipv6Addr::UNSPECIFIED.into());
    let four = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, six.local_addr().port()).into());
    // The port may be another process's, which says nothing; a dual-stack socket of ours would
    // show by receiving IPv4.
    let sender = bind(V4);
    let port = six.local_addr().port();
    let mut batch = SendBatch::with_capacity(4000);
    let remote = SocketAddr::new(V4, port);
    push(&mut batch, path(sender.local_addr(), remote), b"four");
    assert!(!sender.send(&batch, 0).blocked);
    if let Ok(four) = four {
        assert_eq!(receive(&four, 1)[0].0.local, remote);
    }
    assert_empty(&six);
}

/// Runs of mixed sizes to two sockets; returns what each is to receive.
fn mixed(from: &UdpSocket, to: [&UdpSocket; 2]) -> (SendBatch, [Vec<Vec<u8>>; 2]) {
    let mut batch = SendBatch::with_capacity(200_000);
    let mut expected = [Vec::new(), Vec::new()];
    let lens = [
        1200, 1200, 1200, 700, 1200, 3, 2, 2, 1500, 1499, 1499, 1499, 90, 91, 92,
    ];
    for round in 0..4 {
        for (which, socket) in to.iter().enumerate() {
            for (index, len) in lens.into_iter().enumerate() {
                let number = u16::try_from(round * 100 + index).unwrap();
                let bytes = datagram(number, len);
                let way = path(from.local_addr(), socket.local_addr());
                push(&mut batch, way, &bytes);
                expected[which].push(bytes);
            }
        }
    }
    (batch, expected)
}

#[test]
fn runs_of_mixed_sizes_arrive_as_their_datagrams_with_and_without_segmentation() {
    for ip in [V4, V6] {
        for segmentation in [true, false] {
            let (ours, one, two) = (bind(ip), bind(ip), bind(ip));
            if !segmentation {
                ours.segmentation.set(false);
            }
            let (batch, expected) = mixed(&ours, [&one, &two]);
            let progress = ours.send(&batch, 0);
            assert_eq!(
                (progress.runs, progress.blocked),
                (batch.runs().len(), false)
            );
            for (socket, expected) in [&one, &two].into_iter().zip(expected) {
                assert_eq!(bytes_of(receive(socket, expected.len())), expected);
                assert_empty(socket);
                let counters = socket.counters();
                assert_eq!(counters.recv_datagrams, expected.len() as u64);
                assert_eq!(counters.recv_skipped, 0);
            }
            let counters = ours.counters();
            assert_eq!(counters.sent_datagrams, 120);
            assert_eq!(counters.sent_bytes, batch.bytes().len() as u64);
            assert_eq!(counters.segmented_runs > 0, ours.segments_in_kernel());
            assert_eq!(counters.send_errors, SendErrors::default());
        }
    }
}

#[test]
fn a_later_first_run_leaves_the_earlier_ones_out() {
    let (ours, one, two) = (bind(V4), bind(V4), bind(V4));
    let mut batch = SendBatch::with_capacity(10_000);
    push(&mut batch, path(ours.local_addr(), one.local_addr()), b"1");
    push(&mut batch, path(ours.local_addr(), two.local_addr()), b"2");
    assert!(!ours.send(&batch, 1).blocked);
    assert_eq!(bytes_of(receive(&two, 1)), [b"2"]);
    assert_empty(&one);
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_arrives_coalesced_and_is_taken_apart() {
    let (ours, theirs) = (bind(V4), bind(V4));
    if !ours.segments_in_kernel() {
        eprintln!("this kernel has no UDP_SEGMENT");
        return;
    }
    let mut batch = SendBatch::with_capacity(100_000);
    let way = path(ours.local_addr(), theirs.local_addr());
    let sent: Vec<_> = (0..40).map(|n| datagram(n, 1200)).collect();
    for bytes in &sent {
        push(&mut batch, way, bytes);
    }
    push(&mut batch, way, &datagram(40, 17));
    assert!(!ours.send(&batch, 0).blocked);
    assert_eq!(ours.counters().send_calls, 1);
    let received = bytes_of(receive(&theirs, 41));
    assert_eq!(received[..40], sent);
    assert_eq!(received[40], datagram(40, 17));
    // Loopback hands a run on whole to a socket that asked for it.
    assert_eq!(theirs.counters().recv_calls, 1);
}

/// A socket that refuses UDP_SEGMENT at run time although it knows the option: the kernel cuts
/// nothing whose checksum it may not write.
#[cfg(target_os = "linux")]
#[test]
fn segmentation_refused_by_the_kernel_costs_no_datagram() {
    let so_no_check = 11;
    let (ours, one, two) = (bind(V4), bind(V4), bind(V4));
    linux::set_option(ours.as_raw_fd(), libc::SOL_SOCKET, so_no_check, 1).unwrap();
    let knew = ours.segments_in_kernel();
    let (batch, expected) = mixed(&ours, [&one, &two]);
    assert!(!ours.send(&batch, 0).blocked);
    for (socket, expected) in [&one, &two].into_iter().zip(expected) {
        assert_eq!(bytes_of(receive(socket, expected.len())), expected);
        assert_empty(socket);
    }
    assert!(!ours.segments_in_kernel());
    assert_eq!(ours.counters().segmentation_refused, u64::from(knew));
    assert_eq!(ours.counters().segmented_runs, 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_wildcard_socket_answers_from_the_address_that_received() {
    let wildcard = bind(Ipv4Addr::UNSPECIFIED.into());
    let port = wildcard.local_addr().port();
    let peer = bind(V4);
    for host in [[127, 0, 0, 2], [127, 0, 0, 1], [127, 0, 0, 77]] {
        let address = SocketAddr::from((host, port));
        for segments in [1, 3] {
            let mut batch = SendBatch::with_capacity(10_000);
            push(&mut batch, path(peer.local_addr(), address), b"question");
            assert!(!peer.send(&batch, 0).blocked);
            let (came, _) = receive(&wildcard, 1).remove(0);
            assert_eq!(came, path(address, peer.local_addr()));

            batch.clear();
            for _ in 0..segments {
                push(&mut batch, came, b"answer");
            }
            assert!(!wildcard.send(&batch, 0).blocked);
            for (way, _) in receive(&peer, segments) {
                assert_eq!(way.remote, address);
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_ipv6_wildcard_socket_knows_and_names_its_address() {
    let wildcard = bind(Ipv6Addr::UNSPECIFIED.into());
    let address = SocketAddr::new(V6, wildcard.local_addr().port());
    let peer = bind(V6);
    let mut batch = SendBatch::with_capacity(10_000);
    push(&mut batch, path(peer.local_addr(), address), b"question");
    assert!(!peer.send(&batch, 0).blocked);
    let (came, _) = receive(&wildcard, 1).remove(0);
    assert_eq!(came, path(address, peer.local_addr()));
    batch.clear();
    push(&mut batch, came, b"answer");
    push(&mut batch, came, b"answer");
    assert!(!wildcard.send(&batch, 0).blocked);
    assert_eq!(receive(&peer, 2)[1].0.remote, address);
}

#[test]
fn destinations_that_refuse_do_not_hurt_a_good_one() {
    let ours = bind(V4);
    let good = bind(V4);
    // Nobody listens here any more.
    let closed = bind(V4).local_addr();
    let mut batch = SendBatch::with_capacity(200_000);
    let zero = SocketAddr::new(V4, 0);
    let broadcast = SocketAddr::from(([255, 255, 255, 255], 9));
    for number in 0..20 {
        for remote in [closed, zero, good.local_addr(), broadcast] {
            let way = path(ours.local_addr(), remote);
            push(&mut batch, way, &datagram(number, 100));
            push(&mut batch, way, &datagram(number, 100));
        }
    }
    let segmentation = ours.segments_in_kernel();
    let progress = ours.send(&batch, 0);
    assert_eq!((progress.runs, progress.blocked), (80, false));
    let expected: Vec<_> = (0..20)
        .flat_map(|n| [datagram(n, 100), datagram(n, 100)])
        .collect();
    assert_eq!(bytes_of(receive(&good, 40)), expected);
    assert_empty(&good);
    // An answer "port unreachable" does not come out of receiving either.
    assert_empty(&ours);
    let counters = ours.counters();
    assert_eq!(counters.send_errors.total(), 80);
    assert_eq!(ours.segments_in_kernel(), segmentation);
}

#[test]
fn a_socket_takes_its_own_paths_only() {
    let ours = bind(V4);
    let wildcard = bind(Ipv4Addr::UNSPECIFIED.into());
    let remote = SocketAddr::from(([127, 0, 0, 1], 9));
    let own = ours.local_addr();
    assert!(ours.owns(&path(own, remote)));
    assert!(!ours.owns(&path(
        SocketAddr::new([127, 0, 0, 2].into(), own.port()),
        remote
    )));
    assert!(!ours.owns(&path(SocketAddr::new(own.ip(), own.port() ^ 1), remote)));
    assert!(!ours.owns(&Path {
        protocol: Protocol::Tcp,
        ..path(own, remote)
    }));
    let port = wildcard.local_addr().port();
    assert!(wildcard.owns(&path(SocketAddr::new([127, 0, 0, 2].into(), port), remote)));
    assert!(!wildcard.owns(&path(SocketAddr::new(V6, port), remote)));
}

/// A real socket that is full after every few messages: loopback itself never is, since it takes
/// each datagram off its sender's account at once.
struct OftenFull {
    socket: UdpSocket,
    takes: usize,
    full: Cell<bool>,
}

impl Outlet for OftenFull {
    fn owns(&self, path: &Path) -> bool {
        self.socket.owns(path)
    }

    fn send_runs(&self, bytes: &[u8], runs: &[Run], from_run: usize) -> SendProgress {
        let mut segmentation = self.socket.segmentation.get();
        let mut counters = self.socket.counters.get();
        let progress = send::Sending {
            bytes,
            runs,
            owns: |path: &Path| self.owns(path),
            wildcard: false,
            segmentation: &mut segmentation,
            counters: &mut counters,
        }
        .send_from(from_run, |messages| {
            if self.full.replace(!self.full.get()) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let takes = self.takes.min(messages.len());
            system::transmit(&self.socket.inner, &messages[..takes])
        });
        self.socket.segmentation.set(segmentation);
        self.socket.counters.set(counters);
        progress
    }
}

#[test]
fn a_socket_that_is_often_full_keeps_the_order_and_loses_and_doubles_nothing() {
    for (segmentation, takes) in [(true, 1), (true, 3), (false, 1), (false, 2), (false, 5)] {
        let theirs = bind(V4);
        let outlet = OftenFull {
            socket: bind(V4),
            takes,
            full: Cell::new(false),
        };
        if !segmentation {
            outlet.socket.segmentation.set(false);
        }
        let way = path(outlet.socket.local_addr(), theirs.local_addr());
        let mut queue = SendQueue::default();
        let mut batch = SendBatch::with_capacity(200_000);
        let mut expected = Vec::new();
        // Few enough for the receive queue of a host with the default `net.core.rmem_max`.
        for tick in 0..10_u16 {
            batch.clear();
            for number in tick * 10..tick * 10 + 10 {
                let bytes = datagram(number, 800 + usize::from(number / 4) % 3 * 100);
                push(&mut batch, way, &bytes);
                expected.push(bytes);
            }
            queue.send(&outlet, &batch);
        }
        while !queue.flush(&outlet) {}
        assert!(outlet.socket.counters().send_blocked > 3);
        assert_eq!(bytes_of(receive(&theirs, expected.len())), expected);
        assert_empty(&theirs);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_message_cut_short_is_skipped_and_counted() {
    let (ours, theirs) = (bind(V4), bind(V4));
    let mut batch = SendBatch::with_capacity(10_000);
    let way = path(ours.local_addr(), theirs.local_addr());
    push(&mut batch, way, &datagram(1, 900));
    assert!(!ours.send(&batch, 0).blocked);
    batch.clear();
    push(&mut batch, way, &datagram(2, 100));
    assert!(!ours.send(&batch, 0).blocked);

    let mut received = RecvBatch::with_buffer(500);
    let mut counters = Counters::default();
    let mut datagrams = Vec::new();
    let limit = Instant::now() + Duration::from_secs(20);
    let mut messages = 0;
    while messages < 2 {
        received.clear();
        let taken = linux::receive(&theirs.inner, theirs.local, &mut received, &mut counters);
        messages += taken.unwrap_or(0);
        datagrams.extend(received.datagrams().map(|(_, _, d)| d.to_vec()));
        assert!(Instant::now() < limit);
    }
    assert_eq!(datagrams, [datagram(2, 100)]);
    assert_eq!(counters.recv_skipped, 1);
}

#[test]
fn the_portable_calls_carry_the_same_datagrams() {
    let (ours, one, two) = (bind(V4), bind(V4), bind(V4));
    let (batch, expected) = mixed(&ours, [&one, &two]);
    let mut counters = Counters::default();
    let progress = send::Sending {
        bytes: batch.bytes(),
        runs: batch.runs(),
        owns: |path: &Path| ours.owns(path),
        wildcard: false,
        segmentation: &mut false,
        counters: &mut counters,
    }
    .send_from(0, |messages| portable::transmit(&ours.inner, messages));
    assert!(!progress.blocked);
    for (socket, expected) in [&one, &two].into_iter().zip(expected) {
        let mut batch = RecvBatch::new();
        let mut received = Vec::new();
        let limit = Instant::now() + Duration::from_secs(20);
        while received.len() < expected.len() {
            batch.clear();
            match portable::receive(&socket.inner, socket.local, &mut batch, &mut counters) {
                Ok(_) => received.extend(batch.datagrams().map(|(_, _, d)| d.to_vec())),
                Err(_) => assert!(Instant::now() < limit),
            }
        }
        assert_eq!(received, expected);
    }
    let plain = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    let wildcard = SocketAddr::from(([0, 0, 0, 0], 0));
    assert!(portable::prepare(&plain, wildcard).is_err());
}

/// Sends a datagram and reads it `late`. Returns when it left, from and to, and when it arrived.
#[cfg(target_os = "linux")]
fn read_late(from: &UdpSocket, to: &UdpSocket, late: Duration) -> (Instant, Instant, Instant) {
    let mut batch = SendBatch::with_capacity(4000);
    let way = path(from.local_addr(), to.local_addr());
    push(&mut batch, way, b"early");
    let before = Instant::now();
    assert!(!from.send(&batch, 0).blocked);
    let after = Instant::now();
    while after.elapsed() < late {
        std::thread::yield_now();
    }
    let mut received = RecvBatch::new();
    to.recv(&mut received).unwrap();
    let arrivals: Vec<Instant> = received.datagrams().map(|(_, at, _)| at).collect();
    let [arrived] = arrivals[..] else {
        panic!("{arrivals:?}")
    };
    (before, after, arrived)
}

#[test]
#[cfg(target_os = "linux")]
fn a_datagram_arrives_when_the_kernel_has_it_however_late_it_is_read() {
    let late = Duration::from_millis(10);
    // The two clocks are not read in the same moment.
    let slack = late / 10;
    for ip in [V4, V6] {
        let (ours, theirs) = (bind(ip), bind(ip));
        // The kernel begins to stamp some time after it was first asked to.
        let stamped = (0..1000).find_map(|_| {
            let (before, after, arrived) = read_late(&ours, &theirs, late);
            (arrived <= after + slack).then_some((before, arrived))
        });
        let (before, arrived) = stamped.expect("the kernel stamps what comes");
        assert!(arrived + slack >= before, "{:?} early", before - arrived);
    }
}
