//! Sounds of known loudness, packet by packet.

use super::*;
use crate::command::TrackAnnouncement;
use crate::media::codec::MediaKind;

const CLOCK: u32 = 48_000;
const FRAME: Duration = Duration::from_millis(20);

/// A room with sounds whose packets come every 20 ms.
struct House {
    now: Instant,
    frame: u32,
    tracks: Tracks,
    speakers: ActiveSpeakers,
}

impl House {
    #[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
    fn new(sounds: u64) -> Self {
        let mut tracks = Tracks::default();
        for track in 0..sounds {
            let announcement = TrackAnnouncement {
                track: TrackId(track),
                kind: MediaKind::Audio,
                cid: track.to_string(),
                stream_label: String::new(),
                track_label: String::new(),
                muted: false,
                codecs: Default::default(),
            };
            tracks.announce(0, announcement).unwrap();
        }
        Self {
            now: Instant::now(),
            frame: u32::MAX - 100,
            tracks,
            speakers: ActiveSpeakers::default(),
        }
    }

    /// 20 ms, in which each sound has that level; the list if it changed.
    fn frame(&mut self, levels: &[u8]) -> Option<Vec<(u64, u8)>> {
        self.now += FRAME;
        self.frame = self.frame.wrapping_add(CLOCK / 50);
        for (index, level) in levels.iter().enumerate() {
            let track = self.tracks.get_mut(index).unwrap();
            let sound = (index, &mut track.loudness);
            let speakers = &mut self.speakers;
            speakers.hear(self.now, sound, *level, self.frame, CLOCK);
        }
        if self.speakers.due().is_none_or(|due| due > self.now) {
            return None;
        }
        let changed = self.speakers.look(self.now, &mut self.tracks)?;
        Some(
            changed
                .iter()
                .map(|one| (one.track.0, one.level_dbov))
                .collect(),
        )
    }

    /// So many frames, and every change of the list with the frame it came at.
    fn frames(&mut self, count: usize, levels: &[u8]) -> Vec<(usize, Vec<(u64, u8)>)> {
        (0..count)
            .filter_map(|n| Some((n, self.frame(levels)?)))
            .collect()
    }
}

#[test]
fn who_speaks_is_in_the_list_in_half_a_second_and_leaves_it_in_a_second() {
    let mut house = House::new(1);
    let changes = house.frames(100, &[20]);
    let [(at, list)] = &changes[..] else {
        panic!("{changes:?}")
    };
    assert!(*at < 25, "{at}");
    assert_eq!(*list, [(0, 20)]);
    let changes = house.frames(100, &[127]);
    let [(at, list)] = &changes[..] else {
        panic!("{changes:?}")
    };
    assert!((15..50).contains(at), "{at}");
    assert!(list.is_empty());
    assert_eq!(house.frames(50, &[127]), []);
    assert_eq!(house.speakers.due(), None, "nothing is left to look at");
}

#[test]
fn a_slammed_door_and_a_tick_are_no_speech() {
    let mut house = House::new(1);
    for _ in 0..10 {
        // 180 ms as loud as can be.
        assert_eq!(house.frames(9, &[0]), []);
        assert_eq!(house.frames(60, &[127]), []);
    }
    for _ in 0..100 {
        assert_eq!(house.frames(1, &[3]), []);
        assert_eq!(house.frames(24, &[90]), []);
    }
}

#[test]
fn what_is_steady_and_low_is_no_speech() {
    let mut house = House::new(1);
    assert_eq!(house.frames(500, &[AUDIBLE]), []);
    assert_eq!(house.frames(500, &[LOUD + 1]), []);
}

#[test]
fn pauses_between_words_change_nothing() {
    let mut house = House::new(1);
    house.frames(50, &[22]);
    for _ in 0..20 {
        assert_eq!(house.frames(15, &[127]), []);
        assert_eq!(house.frames(15, &[22]), []);
    }
}

#[test]
fn the_loudest_come_first_and_levels_are_told_when_they_moved() {
    let mut house = House::new(3);
    let changes = house.frames(50, &[30, 10, 127]);
    assert_eq!(changes.last().unwrap().1, [(1, 10), (0, 30)]);
    assert_eq!(house.frames(200, &[27, 13, 127]), [], "3 dB are nothing");
    let changes = house.frames(200, &[10, 30, 127]);
    assert_eq!(changes.last().unwrap().1[0].0, 0);
    let spaced = changes.windows(2).all(|two| two[1].0 - two[0].0 >= 15);
    assert!(spaced && changes.len() <= 8, "{changes:?}");
}

#[test]
fn silence_takes_a_sound_out_at_once() {
    let mut house = House::new(2);
    house.frames(50, &[20, 20]);
    let list = house.speakers.silence(0, &mut house.tracks).unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!(house.speakers.silence(0, &mut house.tracks), None);
    let changes = house.frames(50, &[20, 20]);
    assert_eq!(changes.len(), 1, "it has to begin anew: {changes:?}");
}

#[test]
fn the_list_is_bounded() {
    let many = MAX_SPEAKERS + 5;
    let mut house = House::new(many as u64);
    let changes = house.frames(50, &vec![20; many]);
    assert_eq!(changes.last().unwrap().1.len(), MAX_SPEAKERS);
}

#[test]
fn late_and_repeated_packets_and_long_pauses_count_for_nothing() {
    let mut loudness = Loudness::default();
    loudness.add(10, 96_000, CLOCK);
    for timestamp in [96_000, 95_040, 0] {
        loudness.add(10, timestamp, CLOCK);
    }
    assert_eq!(loudness.loud_ms, 20);
    loudness.add(10, 96_000 + 48_000, CLOCK);
    assert_eq!(
        loudness.loud_ms, 80,
        "a pause of a second is not a loud one"
    );
    // Any clock and any numbers.
    for (timestamp, clock) in [(7, 0), (u32::MAX, 999), (0, u32::MAX)] {
        loudness.add(255, timestamp, clock);
    }
}
