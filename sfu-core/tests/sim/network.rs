//! The network: lines between clients and the engine, each a list of the laboratory's elements, and
//! whatever is under way.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use sfu_lab::element::{Line, Packet};
use sfu_lab::log::LinkLog;
use sfu_lab::scenario::{self, Element};

/// One direction of a path, written as a constant in the list of a meeting's seats: a short way to
/// write a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    /// Time under way.
    pub(crate) delay: Duration,
    /// Packets lost, of a thousand.
    pub(crate) loss: u32,
    /// Packets that are overtaken, of a thousand: they take [`Link::REORDER_DELAY`] longer.
    pub(crate) reorder: u32,
    /// Packets that arrive twice, of a thousand.
    pub(crate) duplicate: u32,
    /// The bottleneck, in bits per second, with a queue of [`Link::QUEUE`].
    pub(crate) rate: Option<u64>,
}

impl Link {
    /// A bottleneck's queue; what would wait longer is lost.
    const QUEUE: Duration = Duration::from_millis(200);

    /// How much later an overtaken packet arrives.
    const REORDER_DELAY: Duration = Duration::from_millis(12);

    /// A link that only takes `ms` milliseconds.
    pub(crate) const fn of_ms(ms: u64) -> Self {
        let delay = Duration::from_millis(ms);
        Self {
            delay,
            loss: 0,
            reorder: 0,
            duplicate: 0,
            rate: None,
        }
    }

    pub(crate) const fn losing(self, per_mille: u32) -> Self {
        Self {
            loss: per_mille,
            ..self
        }
    }

    pub(crate) const fn reordering(self, per_mille: u32) -> Self {
        Self {
            reorder: per_mille,
            ..self
        }
    }

    pub(crate) const fn duplicating(self, per_mille: u32) -> Self {
        Self {
            duplicate: per_mille,
            ..self
        }
    }

    /// The line that this writes.
    fn line(self) -> scenario::Link {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let percent = |per_mille: u32| f64::from(per_mille) / 10.0;
        let mut elements = Vec::new();
        if self.loss > 0 {
            let percent = percent(self.loss);
            elements.push(Element::Loss { percent });
        }
        if let Some(rate) = self.rate {
            elements.push(Element::bottleneck(rate as f64 / 1000.0, ms(Self::QUEUE)));
        }
        elements.push(Element::delay(ms(self.delay)));
        if self.reorder > 0 {
            let (percent, ms) = (percent(self.reorder), ms(Self::REORDER_DELAY));
            elements.push(Element::Reorder { percent, ms });
        }
        if self.duplicate > 0 {
            let percent = percent(self.duplicate);
            elements.push(Element::Duplicate { percent });
        }
        scenario::Link::of("", elements)
    }

    pub(crate) const fn limited_to(self, bits_per_second: u64) -> Self {
        Self {
            rate: Some(bits_per_second),
            ..self
        }
    }
}

/// Decides about one datagram before the line does: true loses it.
pub(crate) type Filter = Box<dyn FnMut(&[u8]) -> bool>;

/// Kinds of datagrams by their first byte (RFC 7983 section 7): STUN, DTLS, and media with the rest.
/// Each has luck of its own: how many of them a handshake takes is not from the seed, and must not
/// change the luck of what follows.
fn kind(datagram: &[u8]) -> usize {
    match datagram.first() {
        Some(0..=3) => 0,
        Some(20..=63) => DTLS,
        _ => MEDIA,
    }
}

const DTLS: usize = 1;
const MEDIA: usize = 2;

/// What a line takes a datagram of a handshake for: signatures differ by a byte from run to run, which
/// must not move what follows.
const DTLS_LEN: usize = 600;

/// Bytes of IPv4 and UDP headers.
const HEADERS: usize = 28;

/// A datagram as a line is to take it: with its kind's luck, and of a size that follows from the seed.
/// `arrival` says what arrives.
pub(crate) fn packet<T>(
    now: Instant,
    datagram: &[u8],
    arrival: impl FnOnce(Vec<u8>) -> T,
) -> Packet<T> {
    let kind = kind(datagram);
    let size = if kind == DTLS {
        DTLS_LEN
    } else {
        datagram.len()
    };
    let what = arrival(datagram.to_vec());
    Packet::new(now, size + HEADERS, what).in_lane(kind)
}

/// The bytes that a datagram of media takes, with all headers, and none for a handshake's: their
/// number is not from the seed.
pub(crate) fn media_bytes(datagram: &[u8]) -> u64 {
    if kind(datagram) == MEDIA {
        (datagram.len() + HEADERS) as u64
    } else {
        0
    }
}

/// Names a line.
pub(crate) type LineId = usize;

struct LineState<T> {
    line: Line<T>,
    /// What [`Line::next`] said last.
    next: Option<Instant>,
    filter: Option<Filter>,
}

/// Something on its way over no line.
struct InFlight<T> {
    at: Instant,
    order: u64,
    what: T,
}

impl<T> PartialEq for InFlight<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}

impl<T> Eq for InFlight<T> {}

impl<T> PartialOrd for InFlight<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for InFlight<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// All lines, and all that is under way. What arrives at one instant arrives in the order of the
/// lines.
pub(crate) struct Network<T> {
    seed: u64,
    start: Instant,
    lines: Vec<LineState<T>>,
    /// Lines that were replaced, for what is under way on them.
    retired: Vec<Line<T>>,
    queue: BinaryHeap<Reverse<InFlight<T>>>,
    order: u64,
    filtered: u64,
}

impl<T: Clone + Send + 'static> Network<T> {
    pub(crate) fn new(start: Instant, seed: u64) -> Self {
        Self {
            seed,
            start,
            lines: Vec::new(),
            retired: Vec::new(),
            queue: BinaryHeap::new(),
            order: 0,
            filtered: 0,
        }
    }

    /// Adds a line. Each has luck of its own, so that one client's traffic never changes another's.
    pub(crate) fn add(&mut self, link: Link) -> LineId {
        self.add_line(&link.line())
    }

    pub(crate) fn add_line(&mut self, link: &scenario::Link) -> LineId {
        let line = Line::new(self.start, link, self.luck(self.lines.len()));
        let next = line.next();
        self.lines.push(LineState {
            line,
            next,
            filter: None,
        });
        self.lines.len() - 1
    }

    fn luck(&self, id: LineId) -> u64 {
        self.seed << 16 | id as u64
    }

    /// Makes a line another one for what comes from now on.
    pub(crate) fn set(&mut self, id: LineId, link: Link) {
        let line = Line::new(self.start, &link.line(), self.luck(id));
        let former = std::mem::replace(&mut self.lines[id].line, line);
        self.retired.push(former);
        self.lines[id].next = self.lines[id].line.next();
    }

    /// Lets `filter` lose what it wants of what goes over a line.
    pub(crate) fn set_filter(&mut self, id: LineId, filter: Filter) {
        self.lines[id].filter = Some(filter);
    }

    /// Datagrams lost so far.
    pub(crate) fn lost(&self) -> u64 {
        let lines = self.lines.iter().map(|state| &state.line);
        let lost: u64 = lines.chain(&self.retired).map(Line::lost).sum();
        lost + self.filtered
    }

    /// What the lines with a bottleneck did.
    pub(crate) fn logs(&mut self, now: Instant) -> Vec<LinkLog> {
        let lines = self.lines.iter_mut();
        lines.filter_map(|state| state.line.log(now)).collect()
    }

    /// Sends a datagram over a line; `arrival` says what arrives.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        id: LineId,
        datagram: &[u8],
        arrival: impl FnOnce(Vec<u8>) -> T,
    ) {
        let state = &mut self.lines[id];
        if state.filter.as_mut().is_some_and(|filter| filter(datagram)) {
            self.filtered += 1;
            return;
        }
        state.line.put(packet(now, datagram, arrival));
        state.next = state.line.next();
    }

    /// Lets `what` arrive at `at`, over no line.
    pub(crate) fn deliver(&mut self, at: Instant, what: T) {
        self.order += 1;
        self.queue.push(Reverse(InFlight {
            at,
            order: self.order,
            what,
        }));
    }

    /// When the next thing may arrive.
    pub(crate) fn next(&self) -> Option<Instant> {
        let lines = self.lines.iter().filter_map(|state| state.next);
        let retired = self.retired.iter().filter_map(Line::next);
        let others = self.queue.peek().map(|Reverse(next)| next.at);
        lines.chain(retired).chain(others).min()
    }

    /// What has arrived by `now`, one at a time.
    pub(crate) fn arrived(&mut self, now: Instant) -> Option<T> {
        let waiting = self.queue.peek();
        if waiting.is_some_and(|Reverse(next)| next.at <= now) {
            return self.queue.pop().map(|Reverse(next)| next.what);
        }
        for line in &mut self.retired {
            if let Some(packet) = line.take(now) {
                return Some(packet.what);
            }
        }
        for state in &mut self.lines {
            if state.next.is_some_and(|next| next <= now) {
                let packet = state.line.take(now);
                state.next = state.line.next();
                if let Some(packet) = packet {
                    return Some(packet.what);
                }
            }
        }
        None
    }
}

#[test]
fn links_lose_delay_and_overtake_as_written_and_as_seeded() {
    let base = crate::meeting::base();
    let run = |seed| {
        let mut network = Network::new(base, seed);
        let link = network.add(Link::of_ms(10).losing(100).reordering(100).duplicating(50));
        for n in 0..1000_u32 {
            let now = base + Duration::from_millis(u64::from(n));
            network.send(now, link, &n.to_be_bytes(), |bytes| bytes);
        }
        let mut order = Vec::new();
        let end = base + Duration::from_secs(5);
        while let Some(bytes) = network.arrived(end) {
            order.push(u32::from_be_bytes(bytes.try_into().unwrap()));
        }
        (network.lost(), order)
    };
    let (lost, order) = run(1);
    assert!(
        (70..130).contains(&lost),
        "{lost} of 1000 lost, 10 % expected"
    );
    assert!(order.len() as u64 > 1000 - lost, "none arrived twice");
    assert!(!order.is_sorted(), "none was overtaken");
    assert_eq!(run(1), (lost, order.clone()));
    assert_ne!(run(2), (lost, order));
}

#[test]
fn a_bottleneck_spaces_packets_and_loses_what_would_wait_too_long() {
    let base = crate::meeting::base();
    let mut network = Network::new(base, 1);
    // 1000 bytes with their headers at 1 Mbit/s: 8 ms each.
    let link = network.add(Link::of_ms(1).limited_to(1_000_000));
    for _ in 0..100 {
        network.send(base, link, &[0; 972], |bytes| bytes);
    }
    let ms = Duration::from_millis;
    assert!(
        network
            .arrived(base + ms(9) - Duration::from_nanos(1))
            .is_none()
    );
    assert!(network.arrived(base + ms(9)).is_some());
    assert!(network.arrived(base + ms(9)).is_none(), "8 ms later");
    let mut came = 1;
    while network.arrived(base + ms(1000)).is_some() {
        came += 1;
    }
    // 200 ms of 8 ms each wait, and what is on the line.
    assert!((24..=26).contains(&came), "{came}");
    assert_eq!(network.lost(), 100 - came);
}
