//! Which packets to ask a publisher for again, and when (RFC 4585 section 6.2.1).

use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

/// How long a gap may be mere reordering before it is asked for. Raising it repairs later; lowering
/// it asks for packets that are on their way, each for nothing.
pub(super) const REORDER_DELAY: Duration = Duration::from_millis(5);

/// Time between two requests for one packet while the round-trip time is unknown. Raising it
/// repairs later after a second loss; lowering it asks twice for what is on its way.
pub(super) const DEFAULT_RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// Bounds of that time when the round-trip time is known. A lower floor asks twice for what a
/// publisher's pacer holds back; a higher ceiling leaves too few tries within [`MAX_MISSING_AGE`].
pub(super) const MIN_RETRY_INTERVAL: Duration = Duration::from_millis(20);
/// See [`MIN_RETRY_INTERVAL`].
pub(super) const MAX_RETRY_INTERVAL: Duration = Duration::from_millis(400);

/// Most requests for one packet. Raising it goes on asking a publisher that no longer has it;
/// lowering it asks for a keyframe, ten times as dear, where one more try might do.
pub(super) const MAX_NACKS: u8 = 10;

/// How long a packet is worth asking for. Raising it repairs what decoders no longer wait for;
/// lowering it gives up within a few long round trips.
pub(super) const MAX_MISSING_AGE: Duration = Duration::from_secs(2);

/// Most packets missing at once: half of what the cache keeps. Raising it asks for packets at a
/// rate that makes the congestion worse that lost them; lowering it asks for keyframes after
/// bursts of loss that could be repaired.
pub(super) const MAX_MISSING: usize = 256;

#[derive(Clone, Copy, Debug)]
struct Missing {
    sequence: u64,
    since: Instant,
    asked: Instant,
    due: Instant,
    nacks: u8,
}

/// The gaps of one stream.
#[derive(Debug)]
pub(super) struct NackGenerator {
    /// In ascending order; never longer than it was allocated.
    missing: Vec<Missing>,
    /// How many numbers behind the highest a repair is still taken.
    reach: u64,
    highest: u64,
    rtt: Option<Duration>,
    /// How long repairs take, smoothed.
    repair_time: Option<Duration>,
    /// No entry is due before; it may be early, when what was due has come since.
    next_due: Option<Instant>,
}

impl NackGenerator {
    /// A stream without gaps, whose repairs are taken up to `reach` numbers behind its highest.
    pub(super) fn new(reach: usize) -> Self {
        Self {
            missing: Vec::with_capacity(MAX_MISSING),
            reach: reach as u64,
            highest: 0,
            rtt: None,
            repair_time: None,
            next_due: None,
        }
    }

    pub(super) fn set_rtt(&mut self, rtt: Duration) {
        self.rtt = Some(rtt);
    }

    /// How long to wait after the `nacks`th request for one packet: a round trip, and a quarter of it
    /// longer each time, since what is lost again and again is lost to a full queue.
    fn interval(&self, nacks: u8) -> Duration {
        // A repair takes a round trip and its wait in the publisher's pacer; who is sent nothing
        // tells of no round trip, and its repairs do.
        let known = self.rtt.max(self.repair_time);
        let first = known.unwrap_or(DEFAULT_RETRY_INTERVAL);
        let first = first.clamp(MIN_RETRY_INTERVAL, MAX_RETRY_INTERVAL);
        let backoff = first * u32::from(nacks.saturating_sub(1)) / 4;
        (first + backoff).min(MAX_RETRY_INTERVAL)
    }

    /// Takes note of a repair of what was asked for once: with more requests nobody knows which one
    /// it answers (RFC 6298 section 3).
    fn repaired(&mut self, now: Instant, missing: Missing) {
        if missing.nacks == 1 {
            let took = now.saturating_duration_since(missing.asked);
            let mean = self.repair_time.unwrap_or(took);
            self.repair_time = Some((mean * 7 + took) / 8);
        }
    }

    /// Takes note of a packet that came, `repaired` if as a repair. True when the gap before it is too wide to be repaired: all
    /// is forgotten, and only a keyframe helps.
    pub(super) fn received(
        &mut self,
        now: Instant,
        sequence: u64,
        highest_before: Option<u64>,
        repaired: bool,
    ) -> bool {
        let Some(highest) = highest_before else {
            return false;
        };
        self.highest = highest.max(sequence);
        if sequence < highest {
            let found = self.missing.binary_search_by_key(&sequence, |m| m.sequence);
            if let Ok(index) = found {
                let missing = self.missing.remove(index);
                if repaired {
                    self.repaired(now, missing);
                }
            }
            return false;
        }
        let gap = sequence - highest - 1;
        if gap + self.missing.len() as u64 > MAX_MISSING as u64 {
            self.clear();
            return true;
        }
        let due = now + REORDER_DELAY;
        let new = (highest + 1..sequence).map(|sequence| Missing {
            sequence,
            since: now,
            asked: now,
            due,
            nacks: 0,
        });
        self.missing.extend(new);
        if gap > 0 {
            self.next_due = Some(self.next_due.map_or(due, |next| next.min(due)));
        }
        false
    }

    pub(super) fn clear(&mut self) {
        self.missing.clear();
        self.next_due = None;
    }

    /// Appends to `out` what to ask for now, in ascending order; what does not fit stays due. Gives
    /// the newest packet that was given up, if one was.
    pub(super) fn poll<const N: usize>(
        &mut self,
        now: Instant,
        out: &mut ArrayVec<u16, N>,
    ) -> Option<u64> {
        if self.next_due.is_none_or(|due| due > now) {
            return None;
        }
        let Self { reach, highest, .. } = *self;
        let mut given_up = None;
        self.missing.retain(|missing| {
            let tried = missing.nacks >= MAX_NACKS || missing.since + MAX_MISSING_AGE <= now;
            let hopeless = missing.sequence + reach <= highest;
            let stays = missing.due > now || !(tried || hopeless);
            if !stays {
                given_up = Some(missing.sequence);
            }
            stays
        });
        let mut next_due: Option<Instant> = None;
        let intervals: [Duration; MAX_NACKS as usize + 1] =
            std::array::from_fn(|nacks| self.interval(nacks as u8));
        for missing in &mut self.missing {
            if missing.due <= now && !out.is_full() {
                // The number as on the wire.
                out.push(missing.sequence as u16);
                missing.nacks += 1;
                missing.asked = now;
                missing.due = now + intervals[usize::from(missing.nacks)];
            }
            next_due = Some(next_due.map_or(missing.due, |next| next.min(missing.due)));
        }
        self.next_due = next_due;
        given_up
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.next_due.filter(|_| !self.missing.is_empty())
    }
}

#[cfg(test)]
mod tests;
