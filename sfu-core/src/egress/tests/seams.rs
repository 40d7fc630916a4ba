//! Switches, pauses and jumps.

use super::super::rewrite::MAX_SEQUENCE_JUMP;
use super::*;

/// How far the timestamp moved, and that everything else counted on by one.
fn step(before: &OutboundPacket, after: &OutboundPacket) -> u32 {
    assert_eq!(after.sequence, before.sequence + 1);
    let picture_id = before
        .rewrite
        .numbers()
        .picture_id
        .map(|id| (id + 1) & 0x7fff);
    assert_eq!(after.rewrite.numbers().picture_id, picture_id);
    let tl0 = before
        .rewrite
        .numbers()
        .tl0_picture_index
        .map(|tl0| tl0.wrapping_add(1));
    assert_eq!(after.rewrite.numbers().tl0_picture_index, tl0);
    after.timestamp.wrapping_sub(before.timestamp)
}

#[test]
fn a_switch_waits_for_the_keyframe_while_the_old_encoding_flows() {
    let start = Instant::now();
    let (mut low, mut high) = (Source::new(0, 70_000, start), Source::new(2, 90_000, start));
    let mut egress = video();
    let other = Err(DropReason::OtherEncoding);
    assert_eq!(send(&mut egress, 2, &high.next(true)), other);
    let mut last = send(&mut egress, 0, &low.next(true)).unwrap();
    egress.set_target(Some(Layers::all_of(2)));
    for _ in 0..5 {
        assert_eq!(egress.wants_keyframe_of(), Some(2));
        assert_eq!(
            (egress.current(), egress.target()),
            (Some(0), Some(Layers::all_of(2)))
        );
        assert_eq!(send(&mut egress, 2, &high.next(false)), other);
        let sent = send(&mut egress, 0, &low.next(false)).unwrap();
        assert_eq!(step(&last, &sent), 3600);
        last = sent;
    }
    let late = low.next(false);
    let last_low = low.next(false);
    assert_eq!(
        send(&mut egress, 0, &last_low).unwrap().sequence,
        last.sequence + 2
    );
    high.frame += 2;
    let before_keyframe = high.next(false);
    let switched = send(&mut egress, 2, &high.next(true)).unwrap();
    assert_eq!(switched.sequence, last.sequence + 3);
    assert_eq!(
        (egress.current(), egress.wants_keyframe_of()),
        (Some(2), None)
    );
    // Late packets of the old encoding, and of the new one before its keyframe.
    assert_eq!(send(&mut egress, 0, &late), other);
    let waiting = Err(DropReason::AwaitingKeyframe);
    assert_eq!(send(&mut egress, 2, &before_keyframe), waiting);
    let next = send(&mut egress, 2, &high.next(false)).unwrap();
    assert_eq!(step(&switched, &next), 3600);
    // And down again.
    egress.set_target(Some(Layers::all_of(0)));
    low.frame = high.frame;
    let down = send(&mut egress, 0, &low.next(true)).unwrap();
    assert_eq!(step(&next, &down), 3600);
}

#[test]
fn a_target_taken_back_changes_nothing() {
    let start = Instant::now();
    let mut low = Source::new(0, 70_000, start);
    let mut egress = video();
    let first = send(&mut egress, 0, &low.next(true)).unwrap();
    egress.set_target(Some(Layers::all_of(1)));
    egress.set_target(Some(Layers::all_of(0)));
    assert_eq!(egress.wants_keyframe_of(), None);
    let sent = send(&mut egress, 0, &low.next(false)).unwrap();
    assert_eq!(step(&first, &sent), 3600);
}

/// The step of the timestamp over a switch whose keyframe was captured `frames` after the last
/// frame of the old encoding, and arrives `delay` after its capture.
fn switch(frames: u64, delay: Duration, clocks: bool) -> u32 {
    let start = Instant::now();
    let (mut low, mut high) = (Source::new(0, 70_000, start), Source::new(1, 90_000, start));
    // The reports of the two encodings are of different moments.
    let low_clock = clocks.then(|| low.clock(start + 10 * MS));
    let high_clock = clocks.then(|| high.clock(start + 1700 * MS));
    let mut egress = video();
    let mut last = None;
    for frame in 0..50 {
        let facts = low.next(frame == 0);
        let sent = egress.forward(
            facts.arrived,
            0,
            any_packet(),
            &facts,
            SourceFacts::of_clock(low_clock.as_ref()),
        );
        last = Some(sent.unwrap());
    }
    egress.set_target(Some(Layers::all_of(1)));
    high.frame = 49 + frames;
    let mut facts = high.next(true);
    facts.arrived += delay;
    let sent = egress.forward(
        facts.arrived,
        1,
        any_packet(),
        &facts,
        SourceFacts::of_clock(high_clock.as_ref()),
    );
    let first = sent.unwrap();
    let step = step(&last.unwrap(), &first);
    // From then on the new encoding's own pace.
    let next = send(&mut egress, 1, &high.next(false)).unwrap();
    assert_eq!(next.timestamp.wrapping_sub(first.timestamp), 3600);
    step
}

#[test]
fn by_the_publishers_clocks_a_switch_keeps_the_time_of_capture() {
    for frames in 1..10 {
        for delay in [0, 5, 100, 900] {
            let step = switch(frames, delay * MS, true);
            let exact = frames as u32 * 3600;
            assert!(step.abs_diff(exact) <= 1, "{step} for {exact}");
        }
    }
}

#[test]
fn without_clocks_a_switch_goes_by_arrival() {
    assert_eq!(switch(1, Duration::ZERO, false), 3600);
    assert_eq!(switch(1, 10 * MS, false), 4500);
    assert_eq!(switch(3, Duration::ZERO, false), 3 * 3600);
}

#[test]
fn the_same_picture_again_is_a_new_frame() {
    // The keyframe shows what the old encoding has just shown: one tick on, never back.
    assert_eq!(switch(0, Duration::ZERO, true), 1);
    assert_eq!(switch(0, 80 * MS, true), 1);
    assert_eq!(switch(0, Duration::ZERO, false), 1);
}

#[test]
fn clocks_that_cannot_be_right_are_not_followed() {
    let start = Instant::now();
    for wrong in [1u64 << 33, 1 << 50, 0u64.wrapping_sub(2 << 32), 1 << 63] {
        let (mut low, mut high) = (Source::new(0, 70_000, start), Source::new(1, 90_000, start));
        let mut egress = video();
        let facts = low.next(true);
        let clock = low.clock(start);
        let sent = egress.forward(
            facts.arrived,
            0,
            any_packet(),
            &facts,
            SourceFacts::of_clock(Some(&clock)),
        );
        egress.set_target(Some(Layers::all_of(1)));
        high.frame = 1;
        let mut clock = high.clock(start);
        clock.ntp = clock.ntp.wrapping_add(wrong);
        let facts = high.next(true);
        let after = egress.forward(
            facts.arrived,
            1,
            any_packet(),
            &facts,
            SourceFacts::of_clock(Some(&clock)),
        );
        assert_eq!(step(&sent.unwrap(), &after.unwrap()), 3600);
    }
}

#[test]
fn a_clock_serves_only_the_encoding_that_it_is_of() {
    let start = Instant::now();
    let sources: Vec<_> = (0..3).map(|at| Source::new(at, 70_000, start)).collect();
    // Encoding 0 and 2 are reported on, encoding 1 is not; each keyframe takes 30 ms longer to come.
    let mut egress = video();
    let mut last: Option<OutboundPacket> = None;
    for (encoding, mut source) in (0..).zip(sources) {
        // The same media clock, so that another encoding's report would look right.
        source.first_timestamp = 5;
        let clock = (encoding != 1).then(|| source.clock(start));
        egress.set_target(Some(Layers::all_of(encoding)));
        source.frame = u64::from(encoding);
        let mut facts = source.next(true);
        facts.arrived += u32::from(encoding) * 30 * MS;
        let sent = egress.forward(
            facts.arrived,
            encoding,
            any_packet(),
            &facts,
            SourceFacts::of_clock(clock.as_ref()),
        );
        let sent = sent.unwrap();
        if let Some(last) = last.replace(sent) {
            // To encoding 1 by arrival; to encoding 2 by its clock, back to the time of capture.
            let expected = if encoding == 1 { 70 * 90 } else { 10 * 90 };
            assert_eq!(step(&last, &sent), expected);
        }
    }
}

#[test]
fn the_latest_report_counts() {
    let start = Instant::now();
    let (mut low, mut high) = (Source::new(0, 70_000, start), Source::new(1, 90_000, start));
    let mut egress = video();
    send(&mut egress, 0, &low.next(true)).unwrap();
    // The publisher sets its wall clock back by 10 s; both encodings report that.
    let mut clocks = [low.clock(start), high.clock(start)];
    for clock in &mut clocks {
        clock.ntp -= 10 << 32;
    }
    let facts = low.next(false);
    let before = egress.forward(
        facts.arrived,
        0,
        any_packet(),
        &facts,
        SourceFacts::of_clock(Some(&clocks[0])),
    );
    egress.set_target(Some(Layers::all_of(1)));
    high.frame = 2;
    let mut facts = high.next(true);
    facts.arrived += 100 * MS;
    let after = egress.forward(
        facts.arrived,
        1,
        any_packet(),
        &facts,
        SourceFacts::of_clock(Some(&clocks[1])),
    );
    assert_eq!(step(&before.unwrap(), &after.unwrap()), 3600);
}

#[test]
fn after_a_pause_video_goes_on_at_a_keyframe_in_real_time() {
    type Pause = (fn(&mut Egress), fn(&mut Egress));
    let pauses: [Pause; 2] = [
        (
            |egress| egress.set_enabled(false),
            |egress| egress.set_enabled(true),
        ),
        (
            |egress| egress.set_target(None),
            |egress| egress.set_target(Some(Layers::all_of(0))),
        ),
    ];
    for (pause, go_on) in pauses {
        let mut source = Source::new(0, 70_000, Instant::now());
        let mut egress = video();
        let before = send(&mut egress, 0, &source.next(true)).unwrap();
        pause(&mut egress);
        assert_eq!(egress.current(), None);
        let inactive = Err(DropReason::SubscriptionInactive);
        assert_eq!(send(&mut egress, 0, &source.next(true)), inactive);
        go_on(&mut egress);
        assert_eq!(egress.wants_keyframe_of(), Some(0));
        let waiting = Err(DropReason::AwaitingKeyframe);
        assert_eq!(send(&mut egress, 0, &source.next(false)), waiting);
        let after = send(&mut egress, 0, &source.next(true)).unwrap();
        assert_eq!(step(&before, &after), 3 * 3600);
        assert_eq!(egress.wants_keyframe_of(), None);
    }
}

#[test]
fn a_pause_of_a_day_never_steps_backwards() {
    for hours in [1, 5, 7, 13, 24, 1000] {
        let mut source = Source::new(0, 70_000, Instant::now());
        let mut egress = video();
        let before = send(&mut egress, 0, &source.next(true)).unwrap();
        egress.set_enabled(false);
        egress.set_enabled(true);
        source.frame += hours * 3600 * 25;
        let after = send(&mut egress, 0, &source.next(true)).unwrap();
        assert!(step(&before, &after).cast_signed() > 0, "{hours} hours");
    }
}

#[test]
fn a_gap_too_wide_to_repair_is_closed_at_the_next_keyframe() {
    let mut source = Source::new(0, 70_000, Instant::now());
    let mut egress = video();
    let first = send(&mut egress, 0, &source.next(true)).unwrap();
    // The widest gap that is passed on.
    source.packets += MAX_SEQUENCE_JUMP - 1;
    let sent = send(&mut egress, 0, &source.next(false)).unwrap();
    assert_eq!(sent.sequence, first.sequence + MAX_SEQUENCE_JUMP);
    source.packets += MAX_SEQUENCE_JUMP;
    let waiting = Err(DropReason::AwaitingKeyframe);
    assert_eq!(send(&mut egress, 0, &source.next(false)), waiting);
    assert_eq!(egress.wants_keyframe_of(), Some(0));
    source.frame -= 1;
    let after = send(&mut egress, 0, &source.next(true)).unwrap();
    assert_eq!(step(&sent, &after), 3600);
    // A keyframe itself closes it at once.
    source.packets += 40_000;
    let next = send(&mut egress, 0, &source.next(true)).unwrap();
    assert_eq!(step(&after, &next), 3600);
}

#[test]
fn audio_closes_a_wide_gap_at_once() {
    let mut egress = egress_of(Codec::Opus);
    egress.set_target(Some(Layers::all_of(0)));
    let mut source = Source::new(0, 70_000, Instant::now());
    let before = send(&mut egress, 0, &source.next(false)).unwrap();
    source.packets += 30_000;
    let after = send(&mut egress, 0, &source.next(false)).unwrap();
    assert_eq!(after.sequence, before.sequence + 1);
}

#[test]
fn a_source_that_starts_afresh_goes_on_by_arrival() {
    let start = Instant::now();
    let mut old = Source::new(0, 70_000, start);
    let mut egress = video();
    let before = send(&mut egress, 0, &old.next(true)).unwrap();
    egress.source_restarted(0);
    assert!(egress.retransmit(start, before.sequence as u16).is_none());
    let mut new = Source::new(2, 66_000, start);
    new.frame = 4;
    let waiting = Err(DropReason::AwaitingKeyframe);
    assert_eq!(send(&mut egress, 0, &new.next(false)), waiting);
    let after = send(&mut egress, 0, &new.next(true)).unwrap();
    assert_eq!(step(&before, &after), 5 * 3600);
}

#[test]
fn what_was_sent_of_a_source_before_it_started_afresh_is_not_repaired_by_what_came_after() {
    let start = Instant::now();
    let (mut low, mut high) = (Source::new(0, 70_000, start), Source::new(1, 80_000, start));
    let mut egress = video();
    egress.set_target(Some(Layers::all_of(1)));
    let before = send(&mut egress, 1, &high.next(true)).unwrap();
    egress.set_target(Some(Layers::all_of(0)));
    let now = send(&mut egress, 0, &low.next(true)).unwrap();
    // Not the one that is sent now: that one goes on, and is repaired as before.
    egress.source_restarted(1);
    assert!(egress.retransmit(start, before.sequence as u16).is_none());
    assert!(egress.retransmit(start, now.sequence as u16).is_some());
    assert_eq!(egress.current(), Some(0));
}

/// The timestamps of a new encoding's frames, less where the publisher's wall clock puts them, over
/// two seconds behind a switch whose keyframe was captured `frames` after the last frame of the old
/// encoding and came `delay` later, and whose first report comes with frame `reported`.
fn strays(frames: i64, delay: Duration, reported: u64) -> Vec<i32> {
    let start = Instant::now();
    let (mut low, mut high) = (Source::new(0, 70_000, start), Source::new(1, 90_000, start));
    let mut egress = video();
    let mut first = 0;
    for frame in 0..50 {
        let facts = low.next(frame == 0);
        let clock = low.clock(start);
        let source = SourceFacts::of_clock(Some(&clock));
        let sent = egress.forward(facts.arrived, 0, any_packet(), &facts, source);
        first = if frame == 0 {
            sent.unwrap().timestamp
        } else {
            first
        };
    }
    egress.set_target(Some(Layers::all_of(1)));
    high.frame = 49u64.strict_add_signed(frames);
    let (mut strays, mut last) = (Vec::new(), None::<u32>);
    for frame in 0..50 {
        let at = high.frame as u32 * 3600;
        let mut facts = high.next(frame == 0);
        facts.arrived += delay;
        let clock = high.clock(start);
        let clock = (frame >= reported).then_some(&clock);
        let source = SourceFacts::of_clock(clock);
        let sent = egress.forward(facts.arrived, 1, any_packet(), &facts, source);
        let sent = sent.unwrap().timestamp;
        let step = last.replace(sent).map(|last| sent.wrapping_sub(last));
        // Never back, never still, and at most twice as fast.
        assert!(
            step.is_none_or(|step| (1600..=7200).contains(&step)),
            "{step:?}"
        );
        strays.push(sent.wrapping_sub(first.wrapping_add(at)).cast_signed());
        // A repair says what was said.
        let found = egress
            .retransmit(facts.arrived, egress_highest(&egress))
            .unwrap();
        let repair = egress.repair(found, any_packet(), &facts).unwrap();
        assert_eq!(repair.timestamp, sent);
    }
    strays
}

fn egress_highest(egress: &Egress) -> u16 {
    egress.rewriter.next_sequence().wrapping_sub(1) as u16
}

#[test]
fn a_stretch_placed_by_arrival_glides_to_the_time_of_capture() {
    for (delay, reported) in [(60, 3), (100, 0), (10, 20), (1, 1)] {
        let strays = strays(1, delay * MS, reported);
        let off = if reported == 0 { 0 } else { delay as i32 * 90 };
        assert!(strays[0].abs_diff(off) <= 1, "{strays:?}");
        assert_eq!(strays[reported as usize], strays[0], "no jump");
        let last = strays.last().unwrap().unsigned_abs();
        assert!(last <= 180, "below 2 ms: {strays:?}");
    }
}

#[test]
fn a_keyframe_of_before_the_newest_frame_comes_behind_it_and_glides_back() {
    let strays = strays(0, Duration::ZERO, 0);
    assert!(strays.iter().all(|stray| stray.abs() <= 1), "{strays:?}");
    let strays = self::strays(-1, 40 * MS, 0);
    assert_eq!(strays[0], 3601);
    // Below 15 ms within three frames.
    assert!(strays[3] <= 15 * 90, "{strays:?}");
    assert!(
        strays[5..].iter().all(|stray| stray.abs() <= 1),
        "{strays:?}"
    );
}
