//! What subscribers get where not all voices are forwarded.

use sfu_core::command::Command;
use sfu_core::drop_reason::DropReason;
use sfu_core::id::TrackId;
use sfu_core::media::codec::MediaKind;

use crate::client::{Got, MS, Packet};
use crate::meeting::{Meeting, audio};

/// Publishers of a sound each, and one who listens to all.
struct Hall {
    meeting: Meeting,
    voices: Vec<usize>,
    listener: usize,
    sent: u64,
}

const QUIET: u8 = 80;

impl Hall {
    fn new(limit: usize, voices: u64) -> Self {
        let mut meeting = Meeting::with_voices(limit);
        let tracks = 1..=voices;
        let publishers = tracks.clone();
        let publishers = publishers.map(|track| meeting.publisher(track, MediaKind::Audio, &[]));
        let voices = publishers.collect();
        let listener = meeting.join();
        for track in tracks {
            meeting.clients[listener].section(MediaKind::Audio, None, &[]);
            meeting.subscribe(listener, track);
        }
        meeting.connect(listener);
        Self {
            meeting,
            voices,
            listener,
            sent: 0,
        }
    }

    /// So many packets of each voice, 20 ms apart, of the level that `level` says.
    fn say(&mut self, count: u64, level: impl Fn(usize, u64) -> Option<u8>) {
        for _ in 0..count {
            for (voice, client) in self.voices.clone().into_iter().enumerate() {
                // Each packet is known by its payload.
                let payload = [&[0x78, voice as u8][..], &self.sent.to_be_bytes()].concat();
                let packet = Packet {
                    level: level(voice, self.sent),
                    payload: &payload,
                    ..audio(self.sent)
                };
                self.meeting.send(client, &packet);
            }
            self.sent += 1;
            self.meeting.pass(20 * MS);
        }
    }

    /// What the listener got of a voice: which packets, and how.
    fn got(&self, voice: usize) -> Vec<(u64, &Got)> {
        let got = self.meeting.clients[self.listener].rtp.iter();
        let got = got.filter(|got| usize::from(got.payload[1]) == voice);
        let number = |got: &Got| u64::from_be_bytes(got.payload[2..10].try_into().unwrap());
        got.map(|got| (number(got), got)).collect()
    }

    /// The stretches of packets that the listener got of a voice. Its numbers have no gap, its
    /// timestamps keep the distance that they had, and each stretch after the first is marked.
    fn stretches(&self, voice: usize) -> Vec<(u64, u64)> {
        let got = self.got(voice);
        let mut stretches: Vec<(u64, u64)> = Vec::new();
        for (at, (number, packet)) in got.iter().enumerate() {
            let before = at.checked_sub(1).map(|before| got[before]);
            if let Some((earlier, before)) = before {
                assert_eq!(packet.sequence, before.sequence.wrapping_add(1));
                let step = packet.timestamp.wrapping_sub(before.timestamp);
                assert_eq!(u64::from(step), 960 * (number - earlier));
                assert_eq!(packet.marker, number - earlier > 1, "{number}");
            }
            match stretches.last_mut() {
                Some((_, last)) if *number == *last + 1 => *last = *number,
                _ => stretches.push((*number, *number)),
            }
        }
        stretches
    }

    fn withheld(&self) -> u64 {
        let drops = &self.meeting.worker.stats().drops;
        drops.get(DropReason::VoiceWithheld)
    }
}

/// A voice that speaks in these packets, and begins softly.
fn speaks(span: std::ops::Range<u64>, n: u64) -> Option<u8> {
    let level = match n.checked_sub(span.start) {
        Some(0) => 58,
        Some(1) => 50,
        Some(_) if n < span.end => 20 + 4 * (n % 2) as u8,
        _ => QUIET,
    };
    Some(level)
}

#[test]
fn a_voice_is_forwarded_from_its_first_packet_and_its_numbers_go_on() {
    let mut hall = Hall::new(1, 3);
    hall.say(400, |voice, n| match voice {
        0 if n < 200 => speaks(0..60, n),
        0 => speaks(250..300, n),
        1 => speaks(100..200, n),
        _ => Some(QUIET),
    });
    // The first packets that can be heard are 101 and 251, after the other's of that number or before;
    // what came in the 100 ms before them is there too.
    assert_eq!(hall.stretches(0), [(0, 101), (246, 399)]);
    assert_eq!(hall.stretches(1), [(96, 250)]);
    assert_eq!(hall.stretches(2), [], "it said nothing");
    let got = (0..3).map(|voice| hall.got(voice).len() as u64);
    // Ten of them were held back only for a moment.
    assert_eq!(hall.withheld(), 1200 - got.sum::<u64>() + 10);
}

#[test]
fn what_is_withheld_is_taken_in_all_the_same_and_nothing_of_it_is_asked_for_again() {
    let mut hall = Hall::new(1, 2);
    hall.say(200, |voice, n| match voice {
        0 => speaks(0..20, n),
        _ => speaks(100..140, n),
    });
    hall.meeting.pass(1000 * MS);
    for publisher in hall.voices.clone() {
        assert_eq!(hall.meeting.nacked(publisher), 0);
    }
    assert_eq!(hall.stretches(0), [(0, 101)]);
    assert_eq!(hall.stretches(1), [(96, 199)]);
}

#[test]
fn a_shared_screen_takes_no_voice_s_place() {
    let mut hall = Hall::new(1, 2);
    let (track, is_voice) = (TrackId(1), false);
    let command = Command::SetTrackVoice { track, is_voice };
    hall.meeting.command(command);
    hall.say(100, |_, n| speaks(0..100, n));
    assert_eq!(hall.got(0).len(), 100);
    assert_eq!(hall.got(1).len(), 100);
    assert_eq!(hall.withheld(), 0);
}

#[test]
fn a_mute_makes_room_and_who_is_unmuted_is_heard_at_once() {
    let mut hall = Hall::new(1, 2);
    hall.say(50, |voice, n| match voice {
        0 => speaks(0..50, n),
        _ => Some(QUIET),
    });
    let track = TrackId(1);
    let mute = |muted| Command::SetTrackMuted { track, muted };
    hall.meeting.command(mute(true));
    hall.say(50, |_, _| Some(QUIET));
    assert_eq!(hall.stretches(1), [(45, 99)]);
    hall.meeting.command(mute(false));
    hall.say(50, |voice, n| match voice {
        0 => speaks(98..200, n),
        _ => Some(QUIET),
    });
    let got = hall.got(0).into_iter().map(|(number, _)| number);
    assert!(got.eq((0..50).chain(100..150)));
}

#[test]
fn without_levels_a_voice_is_forwarded_as_if_it_spoke() {
    let mut hall = Hall::new(2, 3);
    hall.say(300, |voice, n| match voice {
        0 => None,
        1 => speaks(0..100, n),
        _ => speaks(200..300, n),
    });
    assert_eq!(hall.stretches(0), [(0, 299)]);
    assert_eq!(hall.stretches(1), [(0, 201)]);
    assert_eq!(hall.stretches(2), [(196, 299)]);
}

#[test]
fn a_stream_that_begins_anew_while_it_is_withheld_is_heard() {
    let mut hall = Hall::new(1, 2);
    hall.say(50, |voice, n| match voice {
        0 => speaks(0..20, n),
        _ => Some(QUIET),
    });
    let client = hall.voices[1];
    for n in 0..50_u64 {
        let payload = [&[0x78, 1][..], &n.to_be_bytes()].concat();
        let packet = Packet {
            ssrc: 0x2fff,
            sequence: 7 + n,
            timestamp: 77 + 960 * n as u32,
            level: speaks(10..50, n),
            payload: &payload,
            ..audio(n)
        };
        hall.meeting.send(client, &packet);
        hall.meeting.pass(20 * MS);
    }
    assert_eq!(hall.stretches(1), [(6, 49)]);
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % bound
    }
}

/// The packets of a voice that reach the worker, in the order of arrival: some are lost, some late,
/// some twice.
fn over_a_bad_link(dice: &mut Dice, count: u64) -> Vec<u64> {
    let mut arrivals: Vec<(u64, u64)> = Vec::new();
    for n in 0..count {
        match dice.below(20) {
            0 => {}
            1 => arrivals.push((n + dice.below(6), n)),
            2 => arrivals.extend([(n, n), (n + 1, n)]),
            _ => arrivals.push((n, n)),
        }
    }
    arrivals.sort_by_key(|(at, _)| *at);
    arrivals.into_iter().map(|(_, n)| n).collect()
}

#[test]
fn whatever_is_lost_and_late_on_the_way_here_a_voice_has_no_gap_but_what_was_lost() {
    for seed in 0..10 {
        let dice = &mut Dice(seed);
        let mut hall = Hall::new(2, 4);
        let arrivals: Vec<_> = (0..4).map(|_| over_a_bad_link(dice, 600)).collect();
        // Each speaks by turns of a second or so.
        let turns: Vec<Vec<bool>> = (0..4)
            .map(|_| (0..600 / 40).map(|_| dice.below(3) == 0).collect())
            .collect();
        let longest = arrivals.iter().map(Vec::len).max().unwrap();
        for at in 0..longest {
            for (voice, client) in hall.voices.clone().into_iter().enumerate() {
                let Some(&n) = arrivals[voice].get(at) else {
                    continue;
                };
                let payload = [&[0x78, voice as u8][..], &n.to_be_bytes()].concat();
                let speaks = turns[voice][n as usize / 40];
                let packet = Packet {
                    level: Some(if speaks {
                        20 + 4 * (n % 2) as u8
                    } else {
                        QUIET
                    }),
                    payload: &payload,
                    ..audio(n)
                };
                hall.meeting.send(client, &packet);
            }
            hall.meeting.pass(20 * MS);
        }
        for (voice, arrivals) in arrivals.iter().enumerate() {
            let mut got = hall.got(voice);
            assert!(got.len() > 50, "seed {seed}");
            let first = got[0].1.sequence;
            got.sort_by_key(|(_, packet)| packet.sequence.wrapping_sub(first.wrapping_sub(1000)));
            let lost = |from: u64, to: u64| {
                let arrived = |n: &u64| arrivals.contains(n);
                (from + 1..to).filter(|n| !arrived(n)).count() as u64
            };
            for two in got.windows(2) {
                let [(earlier, before), (later, after)] = two else {
                    continue;
                };
                assert!(later > earlier, "seed {seed}: in order, and once");
                let ticks = after.timestamp.wrapping_sub(before.timestamp);
                assert_eq!(u64::from(ticks), 960 * (later - earlier), "seed {seed}");
                let gap = u64::from(after.sequence.wrapping_sub(before.sequence)) - 1;
                let missing = later - earlier - 1;
                assert!(gap <= missing, "seed {seed}");
                // What came too late to be of use counts with what never came.
                let late = 6;
                assert!(gap <= lost(*earlier, *later) + late, "seed {seed}: {gap}");
            }
        }
    }
}
