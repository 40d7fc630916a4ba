//! The engine's named limits. Each says what raising and what lowering it costs.

use std::time::Duration;

/// Longest session description read, in bytes.
///
/// A browser's video section is 5 kB and its audio section 1.3 kB, and a participant has one of
/// each per track it watches, so this holds an offer of [`MAX_SECTIONS`] sections. Raising it lets
/// one request cost more: time and memory to read it grow in proportion.
/// Lowering it refuses the re-offers of people in large rooms, first those of Chromium, which
/// lists the most codecs.
pub const MAX_SDP_LEN: usize = 1024 * 1024;

/// Most lines of one session description.
///
/// A browser's video section has 170, most of them of codecs, so this holds [`MAX_SECTIONS`] of
/// them. Raising it costs memory while an offer is read, about 100 bytes a line however short;
/// lowering it refuses large rooms as [`MAX_SDP_LEN`] does.
pub const MAX_SDP_LINES: usize = 65_536;

/// Longest `m=` line, in bytes.
///
/// All 128 payload types make 500 bytes. Raising it costs memory per section, for its formats are
/// kept so that an answer can repeat them; lowering it refuses peers with long codec lists.
pub const MAX_MEDIA_LINE_LEN: usize = 1024;

/// Most media sections of one session description.
///
/// Stopped sections count: an offer never loses one (RFC 9429 section 5.2.2). Raising it costs
/// memory and answer bytes per participant; lowering it bounds how many tracks one participant can
/// watch over one peer connection.
pub const MAX_SECTIONS: usize = 256;

/// Longest `a=msid` track name kept of an offer, in bytes.
///
/// RFC 8830 section 2 allows 64 characters; browsers send a UUID of 36, or 38 with braces. Raising
/// it costs memory per section; lowering it under 64 refuses what the RFC allows.
pub const MAX_TRACK_CID_LEN: usize = 64;

/// Most tracks that one participant publishes at once.
///
/// Raising it lets one participant take more of the pool and of everyone's sections; lowering it
/// refuses people who share several screens and cameras.
pub const MAX_TRACKS_PER_PARTICIPANT: usize = 16;

/// Most subscriptions of one participant, waiting ones included.
///
/// Raising it costs sender state (about 25 kB each, mostly the map for repairs) and answer bytes;
/// lowering it leaves members of large rooms without some of the others. No more than
/// [`MAX_SECTIONS`] can ever be bound.
pub const MAX_SUBSCRIPTIONS_PER_PARTICIPANT: usize = 250;

/// Most speakers named of a room at a time, the loudest.
///
/// Raising it makes the messages longer that everyone in a lively room gets some times a second;
/// lowering it leaves out people who talk at the same time.
pub const MAX_SPEAKERS: usize = 10;

/// How often it is told how a participant's connection does: a multiple of the second in which
/// reports leave.
///
/// Raising it tells of trouble later; lowering it judges by fewer packets, and costs an event for
/// each participant.
pub const STATISTICS_INTERVAL: Duration = Duration::from_secs(2);

/// Most bytes of one recording of a participant's adaptation: some 6 kB a second at 5 Mbit/s.
///
/// Raising it lets one request take more of the control plane's memory and of its reader's disk;
/// lowering it ends recordings of busy participants before the trouble that they are made for.
pub const MAX_RECORDING: usize = 32 * 1024 * 1024;

/// How often the sounds of a room are looked at: how often its list of speakers, but for who begins,
/// and its dominant speaker can change.
///
/// Raising it saves messages to everyone in the room and finds the dominant speaker later; lowering
/// it does the reverse, and levels jump with every syllable.
pub const SPEAKERS_INTERVAL: Duration = Duration::from_millis(300);

/// The least time between two looks when somebody begins to speak, who is told of at once.
///
/// Raising it shows later who begins to speak just after another; lowering it lets many who begin
/// together cost more messages to everyone.
pub const SPEAKERS_SPACING: Duration = Duration::from_millis(40);

/// Largest data message received, in bytes: what an answer's `a=max-message-size` says.
///
/// The LiveKit SDKs cut their streams into pieces of 15 kB and send what the app sends whole up to
/// this. Raising it costs reassembly memory per participant and lets one message take more of
/// everyone's queues; lowering it under 60 kB breaks apps that send such messages.
pub const MAX_DATA_MESSAGE_LEN: usize = 64 * 1024;

/// Bytes that one participant's unfinished data messages may take: the receive window that its
/// sender is told. As much again is taken of what fills gaps in it.
///
/// Counted is the payload: a hostile sender of fragments of one byte makes each cost some sixty.
/// Raising it costs that; lowering it towards [`MAX_DATA_MESSAGE_LEN`] slows uploads on long paths.
pub const DATA_RECEIVE_WINDOW: usize = 128 * 1024;

/// Most data channels that one participant has open at once.
///
/// The LiveKit SDKs open three. Raising it costs a queue each; lowering it refuses those three.
pub const MAX_DATA_CHANNELS: usize = 8;

/// SCTP streams that are taken: a channel has a stream number below this.
///
/// Browsers count up from 0 and take numbers again. Raising it lets a hostile sender make the SCTP
/// library keep and walk more streams; lowering it refuses channels of peers that number sparsely.
pub const MAX_DATA_STREAMS: u16 = 256;

/// Bytes of data messages that wait for one participant before further ones are dropped.
///
/// The bytes are shared by all recipients of a message, so raising it costs memory only as far as
/// one reader lags behind the others; lowering it drops the messages of people with a short
/// outage, who then miss what they were promised.
pub const MAX_DATA_QUEUED: usize = 1024 * 1024;

/// Data messages that wait for one participant on one channel: [`MAX_DATA_QUEUED`] in messages of
/// a few bytes.
///
/// Raising it costs 16 bytes each; lowering it drops bursts of small messages.
pub const MAX_DATA_QUEUED_MESSAGES: usize = 4096;

/// Bytes that wait for one participant on a channel that may lose messages, before further ones are
/// dropped.
///
/// Raising it delivers later what is worthless late; lowering it drops bursts. One message of
/// [`MAX_DATA_MESSAGE_LEN`] always fits an empty queue.
pub const MAX_LOSSY_DATA_QUEUED: usize = 64 * 1024;

/// SCTP chunks under way to one participant without its acknowledgement, about 1.1 kB each.
///
/// They are copies, kept for retransmission. Raising it costs memory per slow reader and lets data
/// take more of a link from media; lowering it slows large messages down on long paths.
pub const MAX_DATA_IN_FLIGHT: usize = 256;

/// SCTP chunks taken from one participant in a second: each is a message, a part of one, or an
/// acknowledgement. Data of a few bytes counts as several ([`crate::wire::sctp::work_within`]).
///
/// The SCTP library writes every packet out in hexadecimal for a log that nobody reads, 25 us for a
/// full one, and hands every message on, so this is what keeps one participant from the packet
/// thread of the others. What is over it is not acknowledged, and sent again later. Raising it costs
/// up to that much time; lowering it slows uploads (2000 full packets are 18 Mbit/s).
pub const DATA_RATE: u32 = 2000;

/// Chunks of [`DATA_RATE`] that may come at once.
///
/// Raising it lets a burst hold the packet thread longer; lowering it loses packets of large
/// messages, which then take another round trip.
pub const DATA_BURST: u32 = 500;

/// SCTP packets that one participant is sent in one turn; then the others have theirs.
///
/// Raising it makes a turn longer that media of all others waits for; lowering it costs turns.
pub const MAX_DATA_PACKETS_PER_TURN: usize = 8;

/// SCTP packets that a worker sends in one millisecond, to all participants together.
///
/// At 25 us for a full one (see [`DATA_RATE`]) these take less than half of a core, and media has
/// the rest. Raising it lets data delay media; lowering it makes a large message to a large room
/// take longer: 60 kB to 100 people are 5,300 packets, a third of a second.
pub const MAX_DATA_PACKETS_PER_MS: usize = 16;
