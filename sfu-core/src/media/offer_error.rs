//! Why an offer is refused.

/// Why an offer is refused. The text names the field and reaches the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OfferError {
    /// Not SDP.
    #[error("offer: not parseable as SDP: {0}")]
    Syntax(String),
    /// Larger than the engine reads.
    #[error("offer: {got} bytes, at most {limit} are read")]
    TooLarge {
        /// Bytes offered.
        got: usize,
        /// Bytes read at most.
        limit: usize,
    },
    /// More lines than the engine reads.
    #[error("offer: {got} lines, at most {limit} are read")]
    TooManyLines {
        /// Lines offered.
        got: usize,
        /// Lines read at most.
        limit: usize,
    },
    /// A section is outside the one BUNDLE group.
    #[error("offer: a=group:BUNDLE must name every section; {0:?} is missing")]
    NotBundled(String),
    /// A section without `a=rtcp-mux`.
    #[error("offer: a=rtcp-mux is required; section {0:?} is without it")]
    NoRtcpMux(String),
    /// No usable `a=fingerprint`.
    #[error("offer: a=fingerprint with sha-256 is required")]
    NoFingerprint,
    /// No ICE credentials, or ones out of RFC 8839's bounds.
    #[error("offer: a=ice-ufrag and a=ice-pwd are required, within RFC 8839's lengths")]
    NoIceCredentials,
    /// The certificate's digest differs from the one that the running transport has verified.
    #[error("offer: a=fingerprint differs from the session's; rejoin to change certificates")]
    FingerprintChanged,
    /// A section without a mid, a repeated mid, or one that is too long.
    #[error("offer: a=mid is required once per section, at most 16 characters: {0:?}")]
    BadMid(String),
    /// A simulcast encoding's name that the engine cannot carry.
    #[error("offer: a=rid must be at most 16 letters, digits, '-' or '_': {0:?}")]
    BadRid(String),
    /// A track's name out of RFC 8830's bounds.
    #[error("offer: a=msid's track must be a token of at most 64 characters: {0:?}")]
    BadMsid(String),
    /// An `m=` line, counted from 0, whose words an answer could not repeat.
    #[error("offer: m= line {0} is too long or has words that are not tokens")]
    BadMediaLine(usize),
    /// More sections than a participant may have.
    #[error("offer: {got} sections, at most {limit}")]
    TooManySections {
        /// Sections offered.
        got: usize,
        /// Sections allowed.
        limit: usize,
    },
    /// Sections that were agreed on are gone or in another order (RFC 9429 section 5.2.2).
    #[error("offer: section {0} is not the one that was negotiated there")]
    SectionsMoved(usize),
    /// `a=setup:holdconn`, or none.
    #[error("offer: a=setup must be actpass, active or passive")]
    BadSetup,
    /// A section sends without a right to publish.
    #[error("offer: section {0:?} sends, but the token does not allow publishing")]
    PublishNotAllowed(String),
}
