//! What must be true of all that a subscriber was given, by who knows what was sent.

use crate::party::Party;
use crate::playback::Tag;

/// Frames came whole and unmixed, and the only numbers that were never sent stand for packets that
/// the engine never got.
pub(crate) fn judge(party: &Party) {
    for (at, subscriber) in party.subscribers.iter().enumerate() {
        for frame in &subscriber.frames {
            whole_source_frames(party, at, frame);
        }
        for (before, count, after) in &subscriber.unsent {
            let missing = never_arrived(party, *before, *after);
            assert!(
                *count <= missing,
                "subscriber {at}: {count} numbers between {before:?} and {after:?} were never sent, \
                 and {missing} packets never came"
            );
        }
    }
}

/// A receiver without the descriptor takes a picture of AV1 for one frame: then it is several.
fn whole_source_frames(party: &Party, subscriber: usize, mut tags: &[Tag]) {
    while let Some(first) = tags.first() {
        let sent = &party.players[usize::from(first.encoding)].sent;
        let source = &sent[&first.sequence];
        let whole: Vec<Tag> = (0..source.frame_len as u64)
            .map(|place| Tag {
                sequence: first.sequence + place,
                ..*first
            })
            .collect();
        let is_whole = source.place == 0 && tags.starts_with(&whole);
        assert!(is_whole, "subscriber {subscriber}: {tags:?} for {whole:?}");
        tags = &tags[whole.len()..];
    }
}

/// How many packets after `before` never reached the engine: up to `after`, or where that is of
/// another encoding, among the next few.
fn never_arrived(party: &Party, before: Tag, after: Tag) -> u64 {
    let player = &party.players[usize::from(before.encoding)];
    let end = if before.encoding == after.encoding {
        after.sequence
    } else {
        before.sequence + 500
    };
    let between = player.sent.range(before.sequence..end.max(before.sequence));
    let lost = between.filter(|(_, sent)| !party.arrived.contains(&sent.tag));
    lost.count() as u64
}
