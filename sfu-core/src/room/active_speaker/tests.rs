//! Sounds of known loudness, packet by packet, in virtual time.

mod conversation;
mod forwarding;
mod sounds;

use std::time::Duration;

use super::*;
use crate::command::TrackAnnouncement;
use crate::media::codec::MediaKind;

const CLOCK: u32 = 48_000;
const FRAME: Duration = Duration::from_millis(20);

/// What a room told, and when, in milliseconds since its start.
#[derive(Debug, Default)]
struct Told {
    lists: Vec<(u64, Vec<(u64, u8)>)>,
    dominant: Vec<(u64, Option<u64>)>,
}

impl Told {
    /// When a track is first in a list, from `since` on.
    fn listed(&self, track: u64, since: u64) -> Option<u64> {
        let mut lists = self.lists.iter().filter(|(at, _)| *at >= since);
        let found = lists.find(|(_, list)| list.iter().any(|one| one.0 == track));
        found.map(|(at, _)| *at)
    }

    /// When a track is first dominant, from `since` on.
    fn dominant(&self, track: u64, since: u64) -> Option<u64> {
        let mut changes = self.dominant.iter().filter(|(at, _)| *at >= since);
        changes
            .find(|(_, who)| *who == Some(track))
            .map(|(at, _)| *at)
    }
}

/// A room with sounds whose packets come every 20 ms.
struct House {
    start: Instant,
    now: Instant,
    frame: u32,
    tracks: Tracks,
    speakers: ActiveSpeakers,
    told: Told,
}

impl House {
    fn new(sounds: usize) -> Self {
        Self::with_limit(sounds, None)
    }

    #[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
    fn with_limit(sounds: usize, limit: Option<usize>) -> Self {
        let mut tracks = Tracks::default();
        for track in 0..sounds as u64 {
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
        let start = Instant::now();
        let mut speakers = ActiveSpeakers::new(limit.and_then(NonZeroUsize::new));
        speakers.expect(sounds);
        Self {
            start,
            now: start,
            frame: u32::MAX - 100_000,
            tracks,
            speakers,
            told: Told::default(),
        }
    }

    fn ms(&self) -> u64 {
        (self.now - self.start).as_millis() as u64
    }

    fn hear(&mut self, index: usize, level: u8) {
        let track = self.tracks.get_mut(index).unwrap();
        let sound = (index, &mut track.loudness);
        let speakers = &mut self.speakers;
        speakers.hear(self.now, sound, level, self.frame, CLOCK);
    }

    /// Does what is due.
    fn look(&mut self) {
        if self.speakers.due().is_none_or(|due| due > self.now) {
            return;
        }
        let news = self.speakers.look(self.now, &mut self.tracks);
        self.note(news);
    }

    fn note(&mut self, news: SpeakerNews) {
        let at = self.ms();
        if let Some(who) = news.dominant {
            self.told.dominant.push((at, who.map(|track| track.0)));
        }
        if let Some(list) = news.speakers {
            let list = list.iter().map(|one| (one.track.0, one.level_dbov));
            self.told.lists.push((at, list.collect()));
        }
    }

    /// 20 ms, in which each sound has that level, or sends nothing.
    fn frame(&mut self, levels: impl IntoIterator<Item = Option<u8>>) {
        self.now += FRAME;
        self.frame = self.frame.wrapping_add(CLOCK / 50);
        for (index, level) in levels.into_iter().enumerate() {
            if let Some(level) = level {
                self.hear(index, level);
            }
        }
        self.look();
    }

    /// So many frames with the same levels.
    fn frames(&mut self, count: usize, levels: &[u8]) {
        for _ in 0..count {
            self.frame(levels.iter().map(|level| Some(*level)));
        }
    }

    /// As long as the sounds last.
    fn play(&mut self, sounds: &[Vec<u8>]) {
        let longest = sounds.iter().map(Vec::len).max().unwrap_or(0);
        for n in 0..longest {
            let at = |sound: &Vec<u8>| Some(sound.get(n).copied().unwrap_or(sounds::SILENT));
            self.frame(sounds.iter().map(at));
        }
    }

    fn dominant(&self) -> Option<usize> {
        self.speakers.dominant()
    }
}

#[test]
fn pauses_between_words_change_nothing() {
    let mut house = House::new(1);
    house.frames(50, &[22]);
    let before = house.told.lists.len();
    for _ in 0..20 {
        house.frames(15, &[127]);
        house.frames(15, &[22]);
    }
    assert_eq!(house.told.lists.len(), before, "{:?}", house.told);
}

#[test]
fn who_falls_silent_leaves_the_list_in_a_second_and_nothing_is_left_to_look_at() {
    for dtx in [false, true] {
        let mut house = House::new(1);
        house.frames(50, &[20]);
        let silent = house.ms();
        for _ in 0..150 {
            house.frame([(!dtx).then_some(127)]);
        }
        let (at, list) = house.told.lists.last().unwrap();
        assert!(list.is_empty());
        assert!((300..1500).contains(&(at - silent)), "{}", at - silent);
        assert_eq!(house.speakers.due(), None, "dtx {dtx}");
        assert_eq!(house.dominant(), Some(0), "it spoke last");
    }
}

#[test]
fn the_loudest_come_first_and_levels_are_told_when_they_moved() {
    let mut house = House::new(3);
    house.frames(50, &[30, 10, 127]);
    // The dominant one is whoever was found so; here the louder.
    assert_eq!(house.dominant(), Some(1));
    assert_eq!(
        house.told.lists.last().unwrap().1,
        [(1, 10)],
        "30 is steady"
    );
    let before = house.told.lists.len();
    house.frames(200, &[127, 13, 127]);
    assert_eq!(house.told.lists.len(), before, "3 dB are nothing");
    house.frames(100, &[127, 24, 127]);
    let [(1, level)] = house.told.lists.last().unwrap().1[..] else {
        panic!("{:?}", house.told)
    };
    assert!((18..=24).contains(&level), "{level}");
}

#[test]
fn silence_takes_a_sound_out_at_once() {
    let mut house = House::new(2);
    house.frames(50, &[20, 20]);
    let leader = house.dominant().unwrap();
    let news = house.speakers.silence(leader, &mut house.tracks);
    assert_eq!(news.speakers.unwrap().len(), 1);
    assert_eq!(news.dominant, Some(None));
    let again = house.speakers.silence(leader, &mut house.tracks);
    assert_eq!(again, SpeakerNews::default());
    let before = house.told.lists.len();
    house.frames(7, &[20, 20]);
    assert_eq!(house.told.lists.len(), before, "it has to begin anew");
    house.frames(50, &[20, 20]);
    assert_eq!(house.told.lists.last().unwrap().1.len(), 2);
    assert_eq!(house.dominant(), Some(1 - leader), "the other took over");
}

#[test]
fn the_list_is_bounded() {
    let many = MAX_SPEAKERS + 5;
    let mut house = House::new(many);
    house.frames(50, &vec![20; many]);
    assert_eq!(house.told.lists.last().unwrap().1.len(), MAX_SPEAKERS);
}

#[test]
fn what_is_no_voice_is_no_speaker() {
    let mut house = House::new(2);
    let news = house.speakers.set_voice(0, false, &mut house.tracks);
    assert_eq!(news, SpeakerNews::default());
    house.frames(100, &[5, 20]);
    assert_eq!(house.told.lists.last().unwrap().1, [(1, 20)]);
    assert_eq!(house.dominant(), Some(1));
    let news = house.speakers.set_voice(1, false, &mut house.tracks);
    assert_eq!(news.dominant, Some(None));
    house.speakers.set_voice(0, true, &mut house.tracks);
    house.frames(100, &[5, 20]);
    assert_eq!(house.dominant(), Some(0));
}

#[test]
fn late_and_repeated_packets_count_for_nothing_and_any_numbers_are_taken() {
    let house = House::new(0);
    let (now, mut loudness) = (house.now, Loudness::default());
    for n in 0..9 {
        loudness.add(now, 10, 96_000 + n * 960, CLOCK);
    }
    for timestamp in [96_000, 95_040, 0, 96_000 + 8 * 960] {
        let heard = loudness.add(now, 10, timestamp, CLOCK);
        assert!(!heard.audible && !heard.begins);
    }
    assert!(loudness.add(now, 10, 96_000 + 9 * 960, CLOCK).begins);
    for (timestamp, clock) in [(7, 0), (u32::MAX, 999), (0, u32::MAX)] {
        loudness.add(now, 255, timestamp, clock);
    }
}

#[test]
fn a_source_that_sets_its_clock_back_is_heard_again() {
    let mut house = House::new(1);
    house.frames(50, &[127]);
    house.frame = house.frame.wrapping_sub(CLOCK * 3600);
    house.frames(100, &[22]);
    let (at, list) = house.told.lists.last().expect("it is heard");
    assert!(*at <= 2000 && list.len() == 1, "{at} {list:?}");
}

#[test]
fn packets_of_any_length_stand_for_their_time() {
    for ms in [10, 20, 40, 60_u32] {
        let house = House::new(0);
        let mut loudness = Loudness::default();
        let mut begun = None;
        for n in 0..60 {
            let now = house.start + Duration::from_millis(u64::from(n * ms));
            let heard = loudness.add(now, 20, n * ms * 48, CLOCK);
            begun = begun.or(heard.begins.then_some(n * ms));
        }
        let begun = begun.unwrap();
        assert!((140..=240).contains(&begun), "{ms}: {begun}");
    }
}

#[test]
fn a_source_that_stopped_its_clock_has_been_silent_all_the_same() {
    let house = House::new(0);
    let mut loudness = Loudness::default();
    for n in 0..9 {
        loudness.add(house.now, 20, n * 960, CLOCK);
    }
    let later = house.now + Duration::from_secs(10);
    assert!(!loudness.add(later, 20, 9 * 960, CLOCK).begins);
}

#[test]
fn a_stream_that_ends_without_another_is_silent() {
    let mut house = House::new(1);
    house.frames(50, &[20]);
    house.tracks.get_mut(0).unwrap().loudness.stream_restarted();
    for _ in 0..150 {
        house.frame([None]);
    }
    assert!(house.told.lists.last().unwrap().1.is_empty());
    assert_eq!(house.speakers.due(), None);
}
