//! How many joins there were, by how they went.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::ErrorKind;

/// Every way for a join to go, and its name in metrics.
const RESULTS: [(Result<(), ErrorKind>, &str); 9] = [
    (Ok(()), "ok"),
    (Err(ErrorKind::InvalidArgument), "invalid_argument"),
    (Err(ErrorKind::Unauthenticated), "unauthenticated"),
    (Err(ErrorKind::PermissionDenied), "permission_denied"),
    (Err(ErrorKind::NotFound), "not_found"),
    (Err(ErrorKind::ResourceExhausted), "resource_exhausted"),
    (Err(ErrorKind::RateLimited), "rate_limited"),
    (Err(ErrorKind::Unavailable), "unavailable"),
    (Err(ErrorKind::Internal), "internal"),
];

/// A count for each way.
#[derive(Debug, Default)]
pub struct JoinCounts([AtomicU64; RESULTS.len()]);

impl JoinCounts {
    pub(super) fn count(&self, result: Result<(), ErrorKind>) {
        let at = RESULTS.iter().position(|(known, _)| *known == result);
        if let Some(count) = at.and_then(|at| self.0.get(at)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Each way's name and how many joins went it.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        RESULTS.iter().map(|(_, name)| *name).zip(counts)
    }
}
