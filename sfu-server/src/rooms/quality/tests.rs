//! Facts of connections and what they are called.

use super::*;

fn facts(lost: u64, rtt_ms: u64) -> ConnectionStatistics {
    let link = LinkStatistics {
        expected: 200,
        lost,
        jitter: Duration::ZERO,
    };
    ConnectionStatistics {
        received: link,
        sent: LinkStatistics::default(),
        rtt: (rtt_ms > 0).then(|| Duration::from_millis(rtt_ms)),
    }
}

fn after(facts: &[ConnectionStatistics]) -> Quality {
    let mut quality = Quality::default();
    quality.connected();
    facts.iter().for_each(|one| quality.judge(one));
    quality
}

fn word_of(facts: ConnectionStatistics) -> ConnectionQuality {
    after(&[facts]).now.unwrap()
}

#[test]
fn loss_and_delay_have_their_words() {
    use ConnectionQuality::{Excellent, Good, Poor};
    let words = [
        (facts(0, 0), Excellent),
        (facts(0, 300), Excellent),
        (facts(10, 50), Excellent),
        (facts(12, 50), Good),
        (facts(24, 50), Good),
        (facts(30, 50), Poor),
        (facts(200, 0), Poor),
        (facts(0, 600), Good),
        (facts(0, 2000), Poor),
    ];
    for (facts, word) in words {
        assert_eq!(word_of(facts), word, "{facts:?}");
    }
    let uneven = ConnectionStatistics {
        sent: LinkStatistics {
            expected: 100,
            lost: 0,
            jitter: Duration::from_millis(200),
        },
        ..ConnectionStatistics::default()
    };
    assert_eq!(word_of(uneven), Good);
}

#[test]
fn the_worse_direction_counts() {
    let fine = facts(0, 0).received;
    let bad = facts(60, 0).received;
    for (received, sent) in [(fine, bad), (bad, fine), (LinkStatistics::default(), bad)] {
        let both = ConnectionStatistics {
            received,
            sent,
            rtt: None,
        };
        assert_eq!(word_of(both), ConnectionQuality::Poor);
    }
}

#[test]
fn silence_and_a_few_packets_are_no_judgement() {
    let none = ConnectionStatistics::default();
    let few = ConnectionStatistics {
        received: LinkStatistics {
            expected: JUDGED - 1,
            lost: JUDGED - 1,
            jitter: Duration::ZERO,
        },
        ..none
    };
    let quality = after(&[none, few, none]);
    assert_eq!(quality.now, Some(ConnectionQuality::Excellent));
    let quality = after(&[facts(60, 0), none, few, none, none]);
    assert_eq!(
        quality.now,
        Some(ConnectionQuality::Poor),
        "nor is it mended"
    );
}

#[test]
fn worse_is_said_at_once_and_better_when_it_holds() {
    let (fine, bad) = (facts(0, 0), facts(60, 0));
    let now = |facts: &[ConnectionStatistics]| after(facts).now.unwrap();
    assert_eq!(now(&[bad]), ConnectionQuality::Poor);
    assert_eq!(now(&[bad, fine]), ConnectionQuality::Poor);
    assert_eq!(now(&[bad, fine, bad, fine]), ConnectionQuality::Poor);
    assert_eq!(now(&[bad, fine, fine]), ConnectionQuality::Excellent);
}

#[test]
fn facts_never_say_that_a_connection_is_lost_nor_that_it_is_back() {
    let all_lost = after(&[facts(200, 5000), facts(200, 5000)]);
    assert_eq!(all_lost.now, Some(ConnectionQuality::Poor));
    let mut quality = after(&[]);
    quality.lost();
    for lost in [0, 0, 0, 200] {
        quality.judge(&facts(lost, 0));
    }
    assert_eq!(quality.now, Some(ConnectionQuality::Lost));
    quality.connected();
    assert_eq!(quality.now, Some(ConnectionQuality::Excellent));
    let mut unborn = Quality::default();
    unborn.judge(&facts(0, 0));
    assert_eq!(unborn.now, None);
}

#[test]
fn scores_go_from_one_to_four_and_a_half() {
    assert!((score(BEST) - 4.4).abs() < 0.1);
    assert!((score(60.0) - 3.1).abs() < 0.1);
    for rating in [0.0, 3.0, 10.0, -5.0] {
        assert!((score(rating) - 1.0).abs() < 0.2, "{rating}");
    }
}
