//! Any sounds at any times: levels, timestamps, pauses, mutes and ends, with and without a limit of
//! those that are forwarded.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use sfu_core::command::TrackAnnouncement;
use sfu_core::config::MAX_SPEAKERS;
use sfu_core::id::TrackId;
use sfu_core::media::codec::MediaKind;
use sfu_core::room::active_speaker::{ActiveSpeakers, Passage, SpeakerNews};
use sfu_core::room::tracks::Tracks;

/// Sounds of the room.
const SOUNDS: usize = 5;

struct Room {
    now: Instant,
    tracks: Tracks,
    speakers: ActiveSpeakers,
    dominant: Option<TrackId>,
    listed: Vec<TrackId>,
    timestamps: [u32; SOUNDS],
    sequence: u64,
}

/// Plays `data`, five bytes a step, and checks that what is told makes sense.
pub(crate) fn check(data: &[u8]) {
    let Some((&limit, steps)) = data.split_first() else {
        return;
    };
    let mut room = Room::new(NonZeroUsize::new(usize::from(limit % 4)));
    for step in steps.chunks_exact(5) {
        room.step([step[0], step[1], step[2], step[3], step[4]]);
    }
    // However it went: when all is quiet, nothing is left to do.
    for _ in 0..20 {
        room.now += Duration::from_secs(1);
        room.look();
    }
    assert_eq!(room.speakers.due(), None);
    assert!(room.listed.is_empty());
}

impl Room {
    #[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
    fn new(limit: Option<NonZeroUsize>) -> Self {
        let mut room = Self {
            now: Instant::now(),
            tracks: Tracks::default(),
            speakers: ActiveSpeakers::new(limit),
            dominant: None,
            listed: Vec::new(),
            timestamps: [0; SOUNDS],
            sequence: 0,
        };
        (0..SOUNDS).for_each(|track| room.announce(track));
        room.speakers.expect(SOUNDS);
        room
    }

    fn announce(&mut self, track: usize) {
        let announcement = TrackAnnouncement {
            track: TrackId(track as u64),
            kind: MediaKind::Audio,
            cid: String::new(),
            stream_label: String::new(),
            track_label: String::new(),
            muted: false,
            codecs: Default::default(),
        };
        assert_eq!(self.tracks.announce(0, announcement), Some(track));
    }

    fn step(&mut self, [what, level, pause, high, low]: [u8; 5]) {
        let index = usize::from(what) % SOUNDS;
        // Mostly packets one after the other, now and then a long pause.
        let pause = u64::from(pause);
        self.now += Duration::from_millis(if pause < 250 { pause / 8 } else { pause * 100 });
        let news = match what / 5 {
            0 => self.speakers.silence(index, &mut self.tracks),
            1 => {
                let is_voice = level % 2 == 0;
                self.speakers.set_voice(index, is_voice, &mut self.tracks)
            }
            2 => {
                let news = self.speakers.silence(index, &mut self.tracks);
                self.tracks.remove(index).expect("it was there");
                self.announce(index);
                news
            }
            3 => {
                let track = self.tracks.get_mut(index).expect("announced");
                track.loudness.stream_restarted();
                self.sequence = 0;
                SpeakerNews::default()
            }
            other => {
                self.packet(index, other, level, u16::from_be_bytes([high, low]));
                SpeakerNews::default()
            }
        };
        self.told(news);
        if self.speakers.due().is_some_and(|due| due <= self.now) {
            self.look();
        }
    }

    fn packet(&mut self, index: usize, what: u8, level: u8, step: u16) {
        let timestamp = &mut self.timestamps[index];
        *timestamp = timestamp.wrapping_add(match step {
            0..0xf000 => u32::from(step % 2000),
            _ => u32::from(step) << 16,
        });
        let track = self.tracks.get_mut(index).expect("announced");
        let clock_rate = if what == 5 { u32::from(step) } else { 48_000 };
        if what == 4 {
            self.speakers.hear_unknown(&mut track.loudness);
        } else {
            let sound = (index, &mut track.loudness);
            self.speakers
                .hear(self.now, sound, level, *timestamp, clock_rate);
        }
        self.sequence += 1;
        let passage = self
            .speakers
            .admit(self.now, index, self.sequence, &mut self.tracks);
        if let Passage::Begins { withheld_from } = passage {
            assert!(withheld_from > 0);
        }
        let again = self
            .speakers
            .admit(self.now, index, self.sequence, &mut self.tracks);
        assert_eq!(passage == Passage::Withheld, again == Passage::Withheld);
    }

    fn look(&mut self) {
        let news = self.speakers.look(self.now, &mut self.tracks);
        self.told(news);
        assert!(self.speakers.due().is_none_or(|due| due > self.now));
    }

    /// Checks what was told: nothing twice, nobody unknown, the dominant one in front.
    fn told(&mut self, news: SpeakerNews) {
        if let Some(dominant) = news.dominant {
            assert_ne!(self.dominant, dominant);
            self.dominant = dominant;
        }
        let leads = self.speakers.dominant();
        let leads = leads.map(|index| self.tracks.get(index).expect("it is there").id);
        assert_eq!(leads, self.dominant);
        let Some(list) = news.speakers else { return };
        assert!(list.len() <= MAX_SPEAKERS);
        self.listed = list.iter().map(|one| one.track).collect();
        let known = |id: &TrackId| self.tracks.index_of(*id).is_some();
        assert!(self.listed.iter().all(known));
        let mut once = self.listed.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), list.len());
        if let Some(at) = self.listed.iter().position(|id| Some(*id) == self.dominant) {
            assert_eq!(at, 0);
        }
        let others = list.iter().filter(|one| Some(one.track) != self.dominant);
        assert!(others.map(|one| one.level_dbov).is_sorted());
    }
}
