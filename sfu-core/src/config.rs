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

/// How often the sounds of a room are looked at, and so how often its list of speakers can change.
///
/// Raising it saves messages to everyone in the room and shows later who begins to speak; lowering
/// it does the reverse, and levels jump with every syllable.
pub const SPEAKERS_INTERVAL: Duration = Duration::from_millis(300);
