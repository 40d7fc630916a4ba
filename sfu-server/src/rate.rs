//! How often somebody may do something: token buckets, and a bounded table of them by address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A token bucket: so many at once, so many per second in the long run.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    rate: Rate,
    tokens: f64,
    filled_at: Instant,
}

/// What a [`TokenBucket`] allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In the long run.
    pub per_second: u32,
    /// At once.
    pub burst: u32,
}

impl TokenBucket {
    /// A full bucket.
    #[must_use]
    pub fn new(rate: Rate, now: Instant) -> Self {
        Self {
            rate,
            tokens: f64::from(rate.burst),
            filled_at: now,
        }
    }

    /// Takes one token; false if there is none.
    pub fn take(&mut self, now: Instant) -> bool {
        self.take_many(1, now)
    }

    /// Takes that many tokens at once; false, and none is taken, if there are not so many.
    pub fn take_many(&mut self, count: u32, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.filled_at);
        self.filled_at = now;
        let filled = self.tokens + elapsed.as_secs_f64() * f64::from(self.rate.per_second);
        self.tokens = filled.min(f64::from(self.rate.burst));
        if self.tokens < f64::from(count) {
            return false;
        }
        self.tokens -= f64::from(count);
        true
    }

    /// How long until the next token.
    #[must_use]
    pub fn wait(&self) -> Duration {
        let missing = (1.0 - self.tokens).max(0.0);
        Duration::from_secs_f64(missing / f64::from(self.rate.per_second.max(1)))
    }
}

/// A bucket for each address, and a bound on their number: those not seen for longest are
/// forgotten first, in constant time.
#[derive(Debug)]
pub struct AddressBuckets {
    rate: Rate,
    most: usize,
    generations: Mutex<Generations>,
}

/// Two tables: when the younger is full it becomes the older, and the older is dropped.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<IpAddr, TokenBucket>,
    old: HashMap<IpAddr, TokenBucket>,
}

impl AddressBuckets {
    /// Buckets for at most `most` addresses.
    #[must_use]
    pub fn new(rate: Rate, most: usize) -> Self {
        Self {
            rate,
            most,
            generations: Mutex::default(),
        }
    }

    /// Takes one token of that address.
    ///
    /// # Errors
    /// How long until there is one.
    pub fn take(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let key = network(address);
        let mut guard = self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let tables = &mut *guard;
        if tables.young.len() >= (self.most / 2).max(1) && !tables.young.contains_key(&key) {
            tables.old = std::mem::take(&mut tables.young);
        }
        let old = &mut tables.old;
        let bucket = tables.young.entry(key).or_insert_with(|| {
            old.remove(&key)
                .unwrap_or_else(|| TokenBucket::new(self.rate, now))
        });
        if bucket.take(now) {
            Ok(())
        } else {
            Err(bucket.wait())
        }
    }
}

/// What is counted as one address: of IPv6 the first 64 bits, which is what one customer has
/// (RFC 6177); an IPv4 address in IPv6 form is the IPv4 address.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        per_second: 2,
        burst: 3,
    };

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(RATE, start);
        assert!((0..3).all(|_| bucket.take(start)));
        assert!(!bucket.take(start));
        assert_eq!(bucket.wait(), Duration::from_millis(500));
        assert!(!bucket.take(start + Duration::from_millis(499)));
        assert!(bucket.take(start + Duration::from_millis(500)));
        let later = start + Duration::from_secs(3600);
        assert!((0..3).all(|_| bucket.take(later)));
        assert!(!bucket.take(later));
    }

    #[test]
    fn one_customer_s_addresses_are_one() {
        let now = Instant::now();
        let buckets = AddressBuckets::new(RATE, 16);
        let host = |last: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, last));
        assert!((0..3).all(|last| buckets.take(host(last), now).is_ok()));
        assert_eq!(buckets.take(host(9), now), Err(Duration::from_millis(500)));
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(network(mapped), "192.0.2.1".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn the_table_is_bounded_and_forgets_the_longest_silent() {
        let now = Instant::now();
        let buckets = AddressBuckets::new(RATE, 8);
        let address = |n: u8| IpAddr::from([192, 0, 2, n]);
        for n in 0..=255 {
            for _ in 0..3 {
                assert!(buckets.take(address(n), now).is_ok());
            }
            let tables = buckets.generations.lock().unwrap();
            assert!(tables.young.len() + tables.old.len() <= 8);
        }
        assert!(buckets.take(address(255), now).is_err());
        assert!(buckets.take(address(0), now).is_ok());
    }
}
