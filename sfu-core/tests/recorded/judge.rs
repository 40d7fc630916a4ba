//! What must be true of all that a subscriber was given, by who knows what was sent.

use crate::party::Party;
use crate::playback::Tag;
use crate::subscriber::Unsent;

/// Frames came whole and unmixed, and the only numbers that were not sent in time stand for packets that
/// the engine did not get in time.
pub(crate) fn judge(party: &Party) {
    for (at, subscriber) in party.subscribers.iter().enumerate() {
        for (frame, seen) in subscriber.frames.iter().zip(&subscriber.seen) {
            whole_source_frames(party, at, frame, seen.frame.decodable);
        }
        for unsent in &subscriber.unsent {
            let missing = missing(party, unsent);
            assert!(
                unsent.count <= missing,
                "subscriber {at}: {unsent:?}, and {missing} packets had not come by then"
            );
        }
    }
}

/// A receiver without the descriptor takes a picture of AV1 for one frame: then it is several. And
/// one that has lost a frame's first packet may take the next slice for a start, where nothing but
/// the loss tells otherwise: it cannot decode that.
fn whole_source_frames(party: &Party, subscriber: usize, mut tags: &[Tag], is_decodable: bool) {
    while let Some(first) = tags.first() {
        let sent = &party.players[usize::from(first.encoding)].sent;
        let source = &sent[&first.sequence];
        let rest: Vec<Tag> = (source.place as u64..source.frame_len as u64)
            .map(|place| Tag {
                sequence: first.sequence + place - source.place as u64,
                ..*first
            })
            .collect();
        let has_start = source.place == 0 || !is_decodable;
        let is_whole = has_start && tags.starts_with(&rest);
        assert!(is_whole, "subscriber {subscriber}: {tags:?} for {rest:?}");
        tags = &tags[rest.len()..];
    }
}

/// How many packets behind the one before had not reached the engine when the numbers were given up:
/// up to the one after, or where that is of another encoding, among the next few.
fn missing(party: &Party, unsent: &Unsent) -> u64 {
    let (before, after) = unsent.between;
    let player = &party.players[usize::from(before.encoding)];
    let end = if before.encoding == after.encoding {
        after.sequence
    } else {
        before.sequence + 500
    };
    let between = player.sent.range(before.sequence..end.max(before.sequence));
    let had_come = |tag| party.arrived.get(tag).is_some_and(|at| *at <= unsent.at);
    let missing = between.filter(|(_, sent)| !had_come(&sent.tag));
    missing.count() as u64
}
