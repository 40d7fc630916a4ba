//! The bounds of the signalling sockets. Each says what raising and lowering it costs.

use std::time::Duration;

/// Longest message that is read, in bytes: the longest offer of the engine, and what wraps it.
/// Raising: a client may make the server hold that much. Lowering: in large rooms offers grow with
/// every subscription, and the last ones are refused.
pub(super) const MAX_MESSAGE: usize = sfu_core::config::MAX_SDP_LEN + 4096;

/// Longest join request before it is inflated, in base64 letters. It comes in the request's line,
/// which hyper bounds too, by 64 KiB.
pub(super) const MAX_WRAPPED: usize = 64 * 1024;

/// Longest join request when inflated, in bytes. Raising: 64 kB of zeros inflate to 64 MB, which is
/// what this is against. Lowering: first offers are about 10 kB, with headroom for many sections.
pub(super) const MAX_JOIN_REQUEST: usize = 512 * 1024;

/// Most tracks that a join request announces: what a participant may publish.
pub(super) const MAX_JOIN_TRACKS: usize = crate::rooms::limits::MAX_TRACKS_PER_PARTICIPANT;

/// Messages of up to [`MESSAGE_UNIT`] per second of one socket, in the long run. Raising: one client costs more of a core.
/// Lowering: scrolling through a large room makes bursts of track settings.
pub(super) const MESSAGES_PER_SECOND: u32 = 50;

/// Messages at once of one socket. As for [`MESSAGES_PER_SECOND`].
pub(super) const MESSAGE_BURST: u32 = 300;

/// Bytes of a message that count as a message: a longer one counts as several, since reading an
/// offer, or a list of a hundred thousand names, takes the longer the longer it is. Raising: one
/// client costs more of a core, and of memory for a moment. Lowering: in large rooms offers are
/// half a megabyte, and some in a row close the socket.
pub(super) const MESSAGE_UNIT: usize = 16 * 1024;

/// Sockets of one address, unless the operator says otherwise. Raising: one address may hold more
/// memory, about 50 kB each. Lowering: offices behind one address are shut out.
pub(super) const SOCKETS_PER_ADDRESS: usize = 1_000;

/// Sockets in all, unless the operator says otherwise. Raising: memory, about 50 kB each.
pub(super) const SOCKETS: usize = 20_000;

/// What clients are told: no answer to a ping for so long means that the connection is dead.
pub(super) const PING_TIMEOUT: Duration = Duration::from_secs(15);

/// What clients are told: how often to ping.
pub(super) const PING_INTERVAL: Duration = Duration::from_secs(5);

/// How long a client may say nothing at all. Four pings: raising it keeps dead sockets, lowering
/// it cuts off clients whose machine was asleep for a moment.
pub(super) const SILENCE: Duration = Duration::from_secs(20);

/// How long one write may take. Raising: dead sockets are found later. Lowering: slow links lose
/// their signalling when a large answer is sent.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the socket stays open after a close frame, for the client to read it: what it still
/// sends is not read, and closing at once would make the kernel discard our last words.
pub(super) const CLOSE_LINGER: Duration = Duration::from_millis(500);

/// Bytes of a socket's read and write buffers. The library's own choice is 128 KiB each, which
/// thousands of sockets would pay for signalling of a few hundred bytes.
pub(super) const SOCKET_BUFFER: usize = 8 * 1024;
