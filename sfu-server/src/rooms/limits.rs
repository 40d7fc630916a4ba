//! The bounds of the application. Each says what raising and lowering it costs.

use std::time::Duration;

use crate::rate::Rate;

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

/// Most tracks of which one participant's wishes are kept while it is not subscribed to them: those
/// that it is subscribed to always find room. Raising: memory of who asks for what it never sees.
/// Lowering: who sets qualities ahead of its subscriptions gets the largest at first.
pub const MAX_WISHES: usize = 2 * MAX_SUBSCRIPTIONS;

/// How long less than before must have been wanted of a track until its publisher is told, counted
/// by looks that are [`SWEEP_INTERVAL`] apart; more is told at once. Raising: the publisher codes and
/// sends for longer what nobody sees. Lowering: who scrolls back finds the picture gone, and each
/// time that a layer starts anew the browser makes keyframes of all layers, for everybody. It also
/// bounds how much is told: not more than three raises for each time that it passed.
pub const WANTED_LESS_FOR: Duration = Duration::from_secs(3);

/// How long who needs a track's second codec waits for its publisher to send it. Raising: who will
/// never see it is told later. Lowering: a publisher on a slow link, which must first be answered,
/// is too late.
pub const BACKUP_WITHIN: Duration = Duration::from_secs(10);

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

/// How often a second one participant's own doing is told to everyone: its mutes, what it says of
/// itself and of its tracks, whom it lets have them. What comes more often is told together, within
/// [`SWEEP_INTERVAL`]. Raising: everyone's link carries that many times what is known of it, up to
/// 40 kB each. Lowering: who presses a key to talk is shown late.
pub const NEWS_PER_SECOND: u32 = 5;

/// As often at once. As for [`NEWS_PER_SECOND`].
pub const NEWS_BURST: u32 = 30;

/// How often a room is told at most how good its connections are. Raising: trouble is shown later.
/// Lowering: in large rooms somebody's changes each time, and everyone is told.
pub const QUALITY_INTERVAL: Duration = Duration::from_secs(2);

/// Longest data message that participants send each other, in bytes, with what wraps it. Clients
/// keep to 64,000 and cut what is longer into chunks of 15,000. Raising: a message holds up those
/// behind it in its channel for longer, and as much waits for each slow reader. Lowering: refuses
/// what clients believe to be sendable.
pub const MAX_DATA: usize = 64 * 1024;

/// Longest payload of the server's own data messages, in bytes: [`MAX_DATA`] without the rest.
pub const MAX_SERVER_DATA: usize = MAX_DATA - 2 * 1024;

/// Longest topic of the server's own data messages, in bytes. Raising: it is sent with each.
pub const MAX_TOPIC: usize = 256;

/// Most receivers that a data message may name: a whole room. Raising: each is looked up, and one
/// message may cost more. Lowering: who talks to nearly everybody must send twice.
pub const MAX_DATA_DESTINATIONS: usize = 1_000;

/// How many messages of one participant are handed to others per second in the long run: a message
/// to ten counts as ten. Raising: one participant may load its room's worker more. Lowering: files
/// are sent to large rooms as fast as the network lets them be, and their chunks would be lost.
pub const DATA_DELIVERIES_PER_SECOND: u32 = 50_000;

/// As many at once. As for [`DATA_DELIVERIES_PER_SECOND`].
pub const DATA_DELIVERY_BURST: u32 = 100_000;

/// How long reliable data messages wait for a participant whose channel is not open yet. Raising:
/// memory, and old news. Lowering: who has a slow handshake misses the first words.
pub const WAITING_DATA_FOR: Duration = Duration::from_secs(10);

/// Most bytes of such messages for one participant. Raising: memory, though messages to many are
/// held once. Lowering: who joins during a file transfer misses its beginning sooner.
pub const MAX_WAITING_DATA: usize = 128 * 1024;

/// Most of such messages for one participant. As for [`MAX_WAITING_DATA`].
pub const MAX_WAITING_MESSAGES: usize = 256;

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

/// How long a participant may be without both signalling and media before it is removed, where its
/// media may yet come up. Raising: dead people stay on screen. Lowering: a change of network while
/// joining ends the call.
pub const GONE_AFTER: Duration = Duration::from_secs(15);

/// How long after a participant's media was lost it is told to join anew: the engine gives a
/// transport up for good, and only a new one brings media back. Raising: it hears nothing for longer.
/// Lowering: a page that is closed ends its media a moment before it says so, and would be told to
/// come back.
pub const MEDIA_LOST_AFTER: Duration = Duration::from_secs(3);

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

/// Most events of a room that are kept for its watchers, while it has any: a watcher that is
/// further behind is ended. Raising: memory of watched rooms, about 600 bytes each. Lowering: a
/// burst, say a large meeting's beginning, ends watchers over long links, and who was cut off gets
/// the whole room instead of what it missed.
pub const WATCH_LOG: usize = 1_024;

/// Most bytes of them, about: participants may carry 32 KiB of the application's text, and each
/// change repeats it. As for [`WATCH_LOG`].
pub const WATCH_LOG_BYTES: usize = 2 * 1024 * 1024;

/// How long they are kept after the last watcher has gone. Raising: memory of rooms that nobody
/// watches any more. Lowering: as for [`WATCH_LOG`], for a lone watcher whose line was cut.
pub const WATCH_LOG_KEEP: Duration = Duration::from_secs(60);

/// Most watchers of a room. Raising: each is woken by every event. Lowering: services that watch
/// one by one find no place.
pub const MAX_WATCHERS_PER_ROOM: usize = 64;

/// Most watchers in all. Raising: each is a stream that is written to. Lowering: as for
/// [`MAX_WATCHERS_PER_ROOM`].
pub const MAX_WATCHERS: usize = 4_096;

/// Most calls that wait for the engine to explain one participant's subscriptions. Raising: each
/// makes the packet thread look through up to 250 of them. Lowering: operators who look at the same
/// time are refused.
pub const MAX_QUESTIONS: usize = 16;

/// How often a participant may ask about its own subscriptions. Raising: each makes the packet thread
/// look through all of them. Lowering: the page's figures lag behind.
pub const OWN_QUESTIONS: Rate = Rate {
    per_second: 2,
    burst: 6,
};

/// How long the engine has to answer a question; it takes milliseconds. Raising: callers of a worker
/// that hangs wait longer. Lowering: those of a busy one are refused.
pub const ENGINE_ANSWER: Duration = Duration::from_secs(2);

/// Shortest and longest recording of a participant's adaptation. Raising the longest: one that was
/// forgotten takes memory and its reader's disk for longer. Lowering it: trouble that comes once in
/// an hour is not caught.
pub const RECORDING_TIMES: (Duration, Duration) =
    (Duration::from_secs(1), Duration::from_secs(3600));

/// Most recordings at a time. Raising: each costs its worker some nanoseconds a packet. Lowering:
/// those who look into one meeting's trouble record fewer of its participants.
pub const MAX_RECORDINGS: usize = 8;

/// Most pieces of a recording, of 16 KiB, that wait for its reader. Raising: memory for slow ones.
/// Lowering: readers over poor links lose their recording.
pub const MAX_RECORDED_PIECES: usize = 64;
