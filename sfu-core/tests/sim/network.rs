//! The network: one link each way between a client and the engine, and whatever is under way.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// One direction of a path. Written as a constant in the list of a meeting's seats.
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

    pub(crate) const fn limited_to(self, bits_per_second: u64) -> Self {
        Self {
            rate: Some(bits_per_second),
            ..self
        }
    }
}

/// Decides about one datagram before the link does: true loses it.
pub(crate) type Filter = Box<dyn FnMut(&[u8]) -> bool>;

struct LinkState {
    link: Link,
    /// One generator for each kind of datagram: how many of them a handshake takes is not from the
    /// seed, and must not change the luck of what follows.
    luck: [ChaCha8Rng; KINDS],
    /// When the bottleneck is free again.
    free_at: Option<Instant>,
    filter: Option<Filter>,
}

/// Kinds of datagrams by their first byte (RFC 7983 section 7): STUN, DTLS, and media with the rest.
const KINDS: usize = 3;

fn kind(datagram: &[u8]) -> usize {
    match datagram.first() {
        Some(0..=3) => 0,
        Some(20..=63) => 1,
        _ => 2,
    }
}

/// Names one direction of one client's path.
pub(crate) type LinkId = usize;

/// Something on its way, whatever it is.
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

/// All links, and all that is under way, ordered by (time of arrival, order of sending).
pub(crate) struct Network<T> {
    seed: u64,
    links: Vec<LinkState>,
    queue: BinaryHeap<Reverse<InFlight<T>>>,
    order: u64,
    lost: u64,
}

impl<T> Network<T> {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            links: Vec::new(),
            queue: BinaryHeap::new(),
            order: 0,
            lost: 0,
        }
    }

    /// Adds a link. Each draws from generators of its own, so that one client's traffic never
    /// changes another's luck.
    pub(crate) fn add(&mut self, link: Link) -> LinkId {
        let first = self.links.len() * KINDS;
        let luck = std::array::from_fn(|kind| {
            let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
            rng.set_stream((first + kind) as u64);
            rng
        });
        self.links.push(LinkState {
            link,
            luck,
            free_at: None,
            filter: None,
        });
        self.links.len() - 1
    }

    /// Changes what a link is like from now on.
    pub(crate) fn set(&mut self, id: LinkId, link: Link) {
        self.links[id].link = link;
    }

    /// Lets `filter` lose what it wants of a link's datagrams.
    pub(crate) fn set_filter(&mut self, id: LinkId, filter: Filter) {
        self.links[id].filter = Some(filter);
    }

    /// Datagrams lost so far.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    /// Sends a datagram over a link; `arrival` says what arrives.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        id: LinkId,
        datagram: &[u8],
        arrival: impl Fn(Vec<u8>) -> T,
    ) {
        let times = self.links[id].arrivals(now, datagram);
        if times.is_empty() {
            self.lost += 1;
        }
        for at in times {
            self.deliver(at, arrival(datagram.to_vec()));
        }
    }

    /// Lets `what` arrive at `at`, over no link.
    pub(crate) fn deliver(&mut self, at: Instant, what: T) {
        self.order += 1;
        self.queue.push(Reverse(InFlight {
            at,
            order: self.order,
            what,
        }));
    }

    /// When the next thing arrives.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.queue.peek().map(|Reverse(next)| next.at)
    }

    /// What has arrived by `now`, one at a time.
    pub(crate) fn arrived(&mut self, now: Instant) -> Option<T> {
        if self.next()? > now {
            return None;
        }
        self.queue.pop().map(|Reverse(next)| next.what)
    }
}

impl LinkState {
    /// When this datagram arrives: never, once or twice.
    fn arrivals(&mut self, now: Instant, datagram: &[u8]) -> Vec<Instant> {
        // All three are drawn every time, so that one setting does not change another's luck.
        let luck = &mut self.luck[kind(datagram)];
        let [lost, late, twice] = std::array::from_fn(|_| luck.next_u32() % 1000);
        if self.filter.as_mut().is_some_and(|filter| filter(datagram)) || lost < self.link.loss {
            return Vec::new();
        }
        let mut at = now;
        if let Some(rate) = self.link.rate {
            let start = self.free_at.unwrap_or(now).max(now);
            if start - now > Link::QUEUE {
                return Vec::new();
            }
            let bits = datagram.len() as u64 * 8;
            at = start + Duration::from_nanos(bits * 1_000_000_000 / rate);
            self.free_at = Some(at);
        }
        at += self.link.delay;
        if late < self.link.reorder {
            at += Link::REORDER_DELAY;
        }
        if twice < self.link.duplicate {
            vec![at, at]
        } else {
            vec![at]
        }
    }
}

#[test]
fn links_lose_delay_and_overtake_as_written_and_as_seeded() {
    let base = crate::meeting::base();
    let run = |seed| {
        let mut network = Network::new(seed);
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
    let mut network = Network::new(1);
    // 1000 bytes at 1 Mbit/s: 8 ms each.
    let link = network.add(Link::of_ms(1).limited_to(1_000_000));
    for _ in 0..100 {
        network.send(base, link, &[0; 1000], |bytes| bytes);
    }
    assert_eq!(network.next(), Some(base + Duration::from_millis(9)));
    assert_eq!(network.lost(), 74, "26 packets fill 208 ms");
}
