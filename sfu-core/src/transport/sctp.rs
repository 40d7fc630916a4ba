//! SCTP (RFC 9260, over DTLS by RFC 8261): one association, which carries the data channels.
//!
//! The protocol is `dcsctp`'s; nothing of it shows outside this module, so that it can be exchanged.
//! Four things about it are kept in here. It draws tags and first numbers from `fastrand`'s
//! generator of the thread, which is set from our own seed for each call and put back afterwards.
//! It hashes by the standard library's random keys, which decide nothing that leaves. It could panic on
//! what nobody thought of: a panic ends this association, not the room. And it drops whatever comes
//! once its window is full, even the packet that everything in the window waits for: so it has twice
//! the window that the peer is told.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use dcsctp::api::{
    DcSctpSocket, ErrorKind, Message, Options, PpId, SendOptions, SocketEvent, SocketTime, StreamId,
};

use crate::config::{DATA_RECEIVE_WINDOW, MAX_DATA_QUEUED, MAX_DATA_STREAMS};
use crate::drop_reason::DropReason;
use crate::media::session::{LOCAL_SCTP_PORT, SctpParameters};
use crate::wire::dcep::Reliability;
use crate::wire::sctp;

/// Largest packet, in bytes: with a DTLS record's 37 bytes around it, what every path carries that
/// media takes. Larger is lost on tunnels; smaller costs packets.
const MTU: usize = 1160;

/// Packets that wait to be sent. The congestion window and the bound on what is under way keep it
/// shorter; what a flood of requests asks for beyond it is lost, and asked for again.
const MAX_PACKETS: usize = 2 * crate::config::MAX_DATA_IN_FLIGHT;

/// Longest wait between two retransmissions: what a participant is without its messages after an
/// outage. Longer saves packets into the void, shorter the reverse.
const MAX_BACKOFF: Duration = Duration::from_secs(3);

/// The library's own window. It drops everything above nine tenths of it: these are what the peer
/// is told, as much again for gaps to be filled, and a little to be sure of both.
const WINDOW: usize = DATA_RECEIVE_WINDOW * 9 / 4;

/// What the library's own window is above the one that the peer is told.
const WINDOW_SLACK: usize = WINDOW * 9 / 10 - DATA_RECEIVE_WINDOW;

/// What the association has to tell.
pub(super) enum SctpFact {
    /// A whole message.
    Message {
        stream: u16,
        ppid: u32,
        payload: Vec<u8>,
    },
    /// The peer has ended these streams; all of them where none is named (RFC 6525 section 4.1).
    Reset(Vec<u16>),
    /// The association begins anew, or is over: nothing of what was open is open any more.
    Gone,
}

/// One association. Both sides open it, and whoever is first is met halfway (RFC 9260 section 5.2).
pub(super) struct Association {
    /// `None` after a panic.
    socket: Option<Box<dyn DcSctpSocket>>,
    start: Instant,
    seed: u64,
    packets: VecDeque<Vec<u8>>,
    facts: VecDeque<SctpFact>,
    malformed: bool,
}

impl Association {
    /// An association that is opened at once.
    pub(super) fn open(now: Instant, peer: SctpParameters, seed: u64) -> Self {
        let options = options(peer.port);
        let mut association = Self {
            socket: Some(dcsctp::new_socket("", &options)),
            start: now,
            seed,
            packets: VecDeque::new(),
            facts: VecDeque::new(),
            malformed: false,
        };
        association.work(now, |socket| socket.connect());
        association
    }

    /// Takes a packet that [`work_of`] found fit.
    ///
    /// # Errors
    /// [`DropReason::DataMalformed`], and [`DropReason::DataFailed`] after a panic.
    pub(super) fn receive(&mut self, now: Instant, packet: &[u8]) -> Result<(), DropReason> {
        self.work(now, |socket| socket.handle_input(packet))
            .ok_or(DropReason::DataFailed)?;
        match std::mem::take(&mut self.malformed) {
            true => Err(DropReason::DataMalformed),
            false => Ok(()),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.work(now, |_| ());
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let elapsed = self.socket.as_ref()?.poll_timeout() - SocketTime::zero();
        // For ever is a duration too.
        self.start.checked_add(elapsed)
    }

    /// Queues a message; it is a promise only as far as `reliability` goes.
    ///
    /// # Errors
    /// [`DropReason::DataFailed`] when the association is over, or does not take it.
    pub(super) fn send(
        &mut self,
        now: Instant,
        stream: u16,
        ppid: u32,
        payload: Vec<u8>,
        (ordered, reliability): (bool, Reliability),
    ) -> Result<(), DropReason> {
        let mut options = SendOptions {
            unordered: !ordered,
            ..SendOptions::default()
        };
        match reliability {
            Reliability::Reliable => {}
            Reliability::Retransmits(most) => {
                options.max_retransmissions = Some(u16::try_from(most).unwrap_or(u16::MAX));
            }
            Reliability::Lifetime(ms) => {
                options.lifetime = Some(Duration::from_millis(ms.into()));
            }
        }
        let message = Message::new(StreamId(stream), PpId(ppid), payload);
        self.work(now, |socket| socket.send(message, &options))
            .and_then(Result::ok)
            .ok_or(DropReason::DataFailed)
    }

    /// Ends our half of a stream (RFC 6525).
    pub(super) fn reset(&mut self, now: Instant, stream: u16) {
        // Before the association is up there is nothing to end.
        self.work(now, |socket| socket.reset_streams(&[StreamId(stream)]).ok());
    }

    /// Tells the peer that the association is over.
    pub(super) fn close(&mut self, now: Instant) {
        self.work(now, |socket| socket.close());
    }

    /// Bytes of a stream's messages that have not been sent once.
    pub(super) fn unsent(&self, stream: u16) -> usize {
        self.socket
            .as_ref()
            .map_or(0, |socket| socket.buffered_amount(StreamId(stream)))
    }

    /// Chunks that are sent or waiting and not acknowledged; `None` while there is no association.
    pub(super) fn in_flight(&self) -> Option<usize> {
        let metrics = self.socket.as_ref()?.get_metrics()?;
        Some(metrics.unack_data_count)
    }

    pub(super) fn poll_fact(&mut self) -> Option<SctpFact> {
        self.facts.pop_front()
    }

    /// The next packet to send.
    pub(super) fn poll_packet(&mut self) -> Option<Vec<u8>> {
        self.packets.pop_front()
    }

    pub(super) fn has_packets(&self) -> bool {
        !self.packets.is_empty()
    }

    /// Lets the library do something, and takes everything that it has to say. `None` after a panic.
    fn work<R>(
        &mut self,
        now: Instant,
        work: impl FnOnce(&mut dyn DcSctpSocket) -> R,
    ) -> Option<R> {
        let socket = self.socket.as_mut()?;
        let time = SocketTime::zero() + now.saturating_duration_since(self.start);
        // Weyl's sequence: any odd step visits every number.
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let former = fastrand::get_seed();
        fastrand::seed(self.seed);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            socket.advance_time(time);
            let outcome = work(&mut **socket);
            take(
                &mut **socket,
                &mut self.packets,
                &mut self.facts,
                &mut self.malformed,
            );
            outcome
        }));
        fastrand::seed(former);
        outcome.map_err(|_| self.fail()).ok()
    }

    /// Drops what a panic left, which may panic again.
    fn fail(&mut self) {
        tracing::error!("a panic in the SCTP library ended an association");
        let socket = self.socket.take();
        let _ = catch_unwind(AssertUnwindSafe(move || drop(socket)));
        self.packets.clear();
        self.facts.clear();
        self.facts.push_back(SctpFact::Gone);
    }
}

/// The work that a packet makes, in chunks of a usual size.
///
/// # Errors
/// [`DropReason::DataMalformed`] for a packet that is not to be shown to an association.
pub(super) fn work_of(packet: &[u8]) -> Result<u32, DropReason> {
    let work = sctp::work_within(packet, MAX_DATA_STREAMS);
    let work = work.and_then(|work| u32::try_from(work).ok());
    work.ok_or(DropReason::DataMalformed)
}

/// Takes everything that the library has to say: of one packet, first that the association began
/// anew, then the messages, then the ends of their streams.
fn take(
    socket: &mut dyn DcSctpSocket,
    packets: &mut VecDeque<Vec<u8>>,
    facts: &mut VecDeque<SctpFact>,
    malformed: &mut bool,
) {
    let mut resets = Vec::new();
    while let Some(event) = socket.poll_event() {
        match event {
            SocketEvent::SendPacket(mut packet) if packets.len() < MAX_PACKETS => {
                let (slack, most) = (WINDOW_SLACK as u32, DATA_RECEIVE_WINDOW as u32);
                sctp::narrow_window(&mut packet, slack, most);
                packets.push_back(packet);
            }
            SocketEvent::OnIncomingStreamReset(streams) => {
                let streams = streams.into_iter().map(|stream| stream.0).collect();
                resets.push(SctpFact::Reset(streams));
            }
            SocketEvent::OnConnectionRestarted()
            | SocketEvent::OnClosed()
            | SocketEvent::OnAborted(..) => facts.push_back(SctpFact::Gone),
            SocketEvent::OnError(ErrorKind::ParseFailed | ErrorKind::NotConnected, _) => {
                *malformed = true;
            }
            _ => {}
        }
    }
    while let Some(message) = socket.get_next_message() {
        facts.push_back(SctpFact::Message {
            stream: message.stream_id.0,
            ppid: message.ppid.0,
            payload: message.payload,
        });
    }
    facts.extend(resets);
}

fn options(peer_port: u16) -> Options {
    Options {
        local_port: LOCAL_SCTP_PORT,
        remote_port: peer_port,
        announced_maximum_incoming_streams: MAX_DATA_STREAMS,
        announced_maximum_outgoing_streams: MAX_DATA_STREAMS,
        mtu: MTU,
        max_message_size: MAX_DATA_QUEUED,
        max_receiver_window_buffer_size: WINDOW,
        // The queue in front of the association is bounded, and gives it one message at a time.
        max_send_buffer_size: 2 * MAX_DATA_QUEUED,
        per_stream_send_queue_limit: 2 * MAX_DATA_QUEUED,
        max_timer_backoff_duration: Some(MAX_BACKOFF),
        // An association ends with its transport, whose consent is what says that a peer is gone.
        max_retransmissions: None,
        max_init_retransmits: None,
        ..Options::default()
    }
}

impl fmt::Debug for Association {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Association")
            .field("alive", &self.socket.is_some())
            .field("packets", &self.packets.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: SctpParameters = SctpParameters {
        port: 5000,
        max_message_size: 65_536,
    };

    #[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
    fn base() -> Instant {
        Instant::now()
    }

    fn carry(now: Instant, from: &mut Association, to: &mut Association) {
        while let Some(packet) = from.poll_packet() {
            to.receive(now, &packet).unwrap();
        }
    }

    /// Two that have opened each other.
    fn pair(now: Instant) -> (Association, Association) {
        let mut ours = Association::open(now, PEER, 1);
        let mut theirs = Association::open(now, PEER, 2);
        for _ in 0..5 {
            carry(now, &mut ours, &mut theirs);
            carry(now, &mut theirs, &mut ours);
        }
        assert_eq!((ours.in_flight(), theirs.in_flight()), (Some(0), Some(0)));
        (ours, theirs)
    }

    #[test]
    fn a_panic_ends_the_association_and_nothing_else() {
        let now = base();
        let (mut ours, mut theirs) = pair(now);
        let terms = (true, Reliability::Reliable);
        theirs.send(now, 1, 53, vec![7; 100], terms).unwrap();
        assert_eq!(ours.work(now, |_| panic!("injected")), None);
        assert!(matches!(ours.poll_fact(), Some(SctpFact::Gone)));
        // It answers nothing, asks for nothing, and says why.
        let packet = theirs.poll_packet().unwrap();
        assert_eq!(ours.receive(now, &packet), Err(DropReason::DataFailed));
        let refused = ours.send(now, 1, 53, vec![7], terms);
        assert_eq!(refused, Err(DropReason::DataFailed));
        assert_eq!((ours.poll_timeout(), ours.in_flight()), (None, None));
        assert!(ours.poll_fact().is_none() && ours.poll_packet().is_none());
    }

    #[test]
    fn what_it_draws_follows_from_its_seed_and_moves_nobody_elses() {
        let now = base();
        let first = |seed| Association::open(now, PEER, seed).poll_packet().unwrap();
        fastrand::seed(5);
        let undisturbed = (fastrand::u64(..), fastrand::u64(..));
        fastrand::seed(5);
        let before = fastrand::u64(..);
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
        assert_eq!((before, fastrand::u64(..)), undisturbed);
    }

    /// A sender may fill the window to its last byte behind a gap (libwebrtc does), and only then
    /// repair it.
    #[test]
    fn a_gap_is_filled_when_the_window_is_full() {
        let now = base();
        let (mut ours, mut theirs) = pair(now);
        let terms = (true, Reliability::Reliable);
        theirs.send(now, 1, 53, vec![0; 1000], terms).unwrap();
        let gap = theirs.poll_packet().unwrap();
        let number = |at: usize| u32::from_be_bytes(gap[at..at + 4].try_into().unwrap());
        let tsn = number(16);
        let mut window = u32::MAX;
        let mut count = 1;
        while window > 0 {
            assert!(count < 1000, "the window does not close");
            let len = window.min(1000) as usize;
            let mut next = gap[..28 + len].to_vec();
            let chunk = u16::try_from(16 + len).unwrap();
            next[14..16].copy_from_slice(&chunk.to_be_bytes());
            next[16..20].copy_from_slice(&(tsn.wrapping_add(count)).to_be_bytes());
            let ssn = u16::try_from(count).unwrap();
            next[22..24].copy_from_slice(&ssn.to_be_bytes());
            sctp::write_checksum(&mut next);
            ours.receive(now, &next).unwrap();
            count += 1;
            while let Some(sack) = ours.poll_packet() {
                assert_eq!(sack[12], 3);
                window = u32::from_be_bytes(sack[20..24].try_into().unwrap());
            }
        }
        assert!(ours.poll_fact().is_none(), "the gap holds everything back");
        ours.receive(now, &gap).unwrap();
        let heard = std::iter::from_fn(|| ours.poll_fact());
        assert_eq!(heard.count(), count as usize);
    }

    #[test]
    fn packets_are_no_longer_than_a_path_carries() {
        let now = base();
        let (mut ours, _) = pair(now);
        let terms = (true, Reliability::Reliable);
        ours.send(now, 1, 53, vec![7; 60_000], terms).unwrap();
        let longest = std::iter::from_fn(|| ours.poll_packet()).map(|p| p.len());
        assert_eq!(longest.max(), Some(MTU));
    }
}
