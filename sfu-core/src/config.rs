//! The engine's named limits. Each says what raising and what lowering it costs.

/// Longest session description read, in bytes.
///
/// A browser's video section is 5 kB and its audio section 1.3 kB, and a participant has one of
/// each per track it watches, so this holds an offer of [`MAX_SECTIONS`] sections. Raising it lets
/// one request cost more: reading is linear, and the values read take about three times the text.
/// Lowering it refuses the re-offers of people in large rooms, first those of Chromium, which
/// lists the most codecs.
pub const MAX_SDP_LEN: usize = 1024 * 1024;

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
