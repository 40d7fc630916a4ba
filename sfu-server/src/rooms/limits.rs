//! The bounds of the application. Each says what raising and lowering it costs.

use std::time::Duration;

/// Most rooms on a node. Raising: about 1 kB each and a longer sweep every second. Lowering: busy
/// nodes refuse new rooms sooner.
pub const MAX_ROOMS: usize = 10_000;

/// Most participants of a room. Every join, leave and mute is told to all of them, and a room lives
/// on one worker: raising it lets one room fill a core; lowering it refuses large meetings.
pub const MAX_PARTICIPANTS: u32 = 1_000;

/// Most tracks that one participant publishes. Raising: each costs every other participant a
/// subscription. Lowering: a camera, a microphone, a screen and its sound are 4 already.
pub const MAX_TRACKS_PER_PARTICIPANT: usize = 16;

/// Most subscriptions of one participant: each needs a section, so not above the engine's bound.
/// Raising both: SDP grows by some kilobytes each, and browsers parse it in more than linear time.
/// Lowering: people in large rooms do not see everybody.
pub const MAX_SUBSCRIPTIONS: usize = sfu_core::config::MAX_SUBSCRIPTIONS_PER_PARTICIPANT;

/// Most sids that one request about subscriptions may name; the rest is ignored. Raising: each may
/// cost a notice in the client's own outbox, which must be larger. Lowering: clients of large rooms
/// that choose by hand ask in one message.
pub const MAX_TRACKS_PER_REQUEST: usize = 512;

/// Longest room name, in bytes. Raising: the name is an index key and in every log line.
/// Lowering: refuses names that applications build from several ids.
pub const MAX_ROOM_NAME: usize = 256;

/// Longest identity, in bytes. As for [`MAX_ROOM_NAME`].
pub const MAX_IDENTITY: usize = 256;

/// Longest display name, in bytes. It is sent to everyone with every change of the participant.
pub const MAX_NAME: usize = 256;

/// Longest metadata of a room or participant, in bytes. It is sent to everyone with every change:
/// raising it multiplies by the square of the room's size; lowering it breaks applications that
/// keep an avatar's address and settings there.
pub const MAX_METADATA: usize = 16 * 1024;

/// Most bytes of all of a participant's attributes, keys and values. As for [`MAX_METADATA`].
pub const MAX_ATTRIBUTES: usize = 16 * 1024;

/// Longest name, `cid` or stream word of a track, in bytes. Browsers' cids are 36. Raising: they
/// are part of SDP and of every participant update.
pub const MAX_TRACK_WORD: usize = 256;

/// Most announced layers of a track. Raising: unused, three are sent at most.
pub const MAX_LAYERS: usize = 4;

/// Most offers of one participant that wait for the engine's answer. Raising: one client may queue
/// more work on its worker. Lowering: clients have one in flight, so not below 2.
pub const MAX_PENDING_OFFERS: u32 = 4;

/// Most participants that a publisher names when it says who may have its tracks. Raising: memory
/// for each publisher, and a name may be looked up among everyone in the room. Lowering: in large
/// rooms not everybody can be named.
pub const MAX_TRACK_PERMISSIONS: usize = 1_000;

/// Most tracks that it names in all. As for [`MAX_TRACK_PERMISSIONS`].
pub const MAX_PERMITTED_TRACKS: usize = 4_000;

/// How often a room is told at most how good its connections are. Raising: trouble is shown later.
/// Lowering: in large rooms somebody's changes each time, and everyone is told.
pub const QUALITY_INTERVAL: Duration = Duration::from_secs(2);

/// How many notices wait for a client that reads slowly. Raising: memory per stuck client, and it
/// is found later. Lowering: a burst of joins in a large room ends healthy sessions.
pub const OUTBOX: usize = 1_024;

/// Joins per second from one address, in the long run. Raising: one address may load the node with
/// handshakes. Lowering: offices behind one address wait when a meeting begins.
pub const JOINS_PER_SECOND: u32 = 20;

/// Joins at once from one address. As for [`JOINS_PER_SECOND`].
pub const JOIN_BURST: u32 = 100;

/// Most addresses whose joins are counted. Raising: about 64 bytes each. Lowering: under an attack
/// from many addresses the longest silent ones are forgotten sooner, and start anew.
pub const MAX_COUNTED_ADDRESSES: usize = 16_384;

/// How long a participant may be without both signalling and media before it is removed. Raising:
/// dead people stay on screen. Lowering: a change of network ends the call.
pub const GONE_AFTER: Duration = Duration::from_secs(15);

/// How long a participant may live on signalling alone after its media was lost, before it is told
/// to join anew. Raising: it hears nothing for longer. Lowering: an ICE restart has no time.
pub const MEDIA_LOST_AFTER: Duration = Duration::from_secs(15);

/// How long it is remembered who left, for those whose signalling was interrupted then. Raising:
/// memory. Lowering: who comes back later keeps ghosts on screen. Not below the time in which a
/// dead socket is found and the client is back.
pub const REMEMBER_DEPARTED: Duration = Duration::from_secs(120);

/// Most of them remembered in a room, the latest. Raising: about 200 bytes each. Lowering: as for
/// [`REMEMBER_DEPARTED`], in busy rooms.
pub const MAX_DEPARTED: usize = 512;

/// How long a room waits for its first participant, unless it says otherwise.
pub const EMPTY_TIMEOUT: Duration = Duration::from_secs(300);

/// How long a room waits after its last participant left, unless it says otherwise.
pub const DEPARTURE_TIMEOUT: Duration = Duration::from_secs(20);

/// Longest timeout that a room may ask for. Raising: forgotten rooms stay. Lowering: rooms made a
/// day ahead are refused.
pub const MAX_ROOM_TIMEOUT: Duration = Duration::from_secs(7 * 24 * 3600);

/// How often the timers are looked at. Raising: timeouts come late by as much. Lowering: every
/// room is locked that often.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
