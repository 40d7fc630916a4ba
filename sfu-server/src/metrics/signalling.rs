//! What the signalling doors count: joins by how they went, and open connections.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::error::ErrorKind;

/// What the signalling doors count. Clones count together.
#[derive(Clone, Debug)]
pub struct Signalling {
    joins: Family<JoinLabels, Counter>,
    connections: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JoinLabels {
    result: &'static str,
}

/// Every kind of refusal, so that each is exported as 0 from the start.
const KINDS: [ErrorKind; 8] = [
    ErrorKind::InvalidArgument,
    ErrorKind::Unauthenticated,
    ErrorKind::PermissionDenied,
    ErrorKind::NotFound,
    ErrorKind::ResourceExhausted,
    ErrorKind::RateLimited,
    ErrorKind::Unavailable,
    ErrorKind::Internal,
];

impl Default for Signalling {
    fn default() -> Self {
        let this = Self {
            joins: Family::default(),
            connections: Gauge::default(),
        };
        for result in std::iter::once("ok").chain(KINDS.map(label)) {
            let _ = this.joins.get_or_create(&JoinLabels { result });
        }
        this
    }
}

impl Signalling {
    /// Counts an attempt to join: it went well, or was refused.
    pub fn joined(&self, result: Result<(), ErrorKind>) {
        let result = result.map_or_else(label, |()| "ok");
        self.joins.get_or_create(&JoinLabels { result }).inc();
    }

    /// Counts a connection as open until the returned value is dropped.
    #[must_use]
    pub fn opened(&self) -> OpenConnection {
        self.connections.inc();
        OpenConnection(self.connections.clone())
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Attempts to join a room, by result";
        registry.register("joins", help, self.joins.clone());
        let help = "Open signalling connections";
        registry.register("signalling_connections", help, self.connections.clone());
    }
}

/// One open signalling connection.
#[derive(Debug)]
pub struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

const fn label(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidArgument => "invalid_argument",
        ErrorKind::Unauthenticated => "unauthenticated",
        ErrorKind::PermissionDenied => "permission_denied",
        ErrorKind::NotFound => "not_found",
        ErrorKind::ResourceExhausted => "resource_exhausted",
        ErrorKind::RateLimited => "rate_limited",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Internal => "internal",
    }
}
