//! What `str0m` takes an instant to be on the wall clock.
//!
//! It asks both clocks once for each process, one after the other, and rounds wall clock times to parts
//! of 1/65536 s in its reports (RFC 3550 section 4). A round trip between two of its peers (RFC 3611
//! section 4.4 and 4.5) so comes out a part longer or not by nanoseconds that no two processes share, and
//! that is when a receiver asks again for what is lost. It tells nobody: two peers are connected over
//! nothing, until one of them writes a wall clock time into a report.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use str0m::change::SdpAnswer;
use str0m::media::{Direction, MediaKind};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RawPacket;
use str0m::rtp::rtcp::Rtcp;
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use crate::seeded_dtls;

/// Virtual time until the first report, at the most.
const PATIENCE: Duration = Duration::from_secs(10);

/// `str0m`'s wall clock time at `start`, to the nanosecond.
pub(crate) fn at(start: Instant) -> SystemTime {
    // On a thread of its own: nothing is drawn from the caller's generators.
    let (told, at) = std::thread::scope(|scope| scope.spawn(|| told(start)).join().unwrap());
    told - (at - start)
}

/// A wall clock time that a peer has told after `start`, and when.
fn told(start: Instant) -> (SystemTime, Instant) {
    let address = |host| SocketAddr::from(([10, 0, 0, host], 5000));
    let places = [address(1), address(2)];
    let mut peers = places.map(|place| peer(start, place));
    connect(&mut peers);
    let (mut now, end) = (start, start + PATIENCE);
    while now < end {
        let mut next = end;
        for at in [0, 1] {
            peers[at].handle_input(Input::Timeout(now)).unwrap();
            let mut sent = Vec::new();
            loop {
                match peers[at].poll_output().unwrap() {
                    Output::Timeout(due) => {
                        next = next.min(due);
                        break;
                    }
                    Output::Transmit(datagram) => sent.push(datagram.contents.to_vec()),
                    Output::Event(Event::RawPacket(packet)) => {
                        if let Some(wall) = wall(&packet) {
                            return (wall, now);
                        }
                    }
                    Output::Event(_) => {}
                }
            }
            for datagram in &sent {
                let receive = Receive {
                    proto: Protocol::Udp,
                    source: places[at],
                    destination: places[1 - at],
                    contents: datagram.as_slice().try_into().unwrap(),
                };
                peers[1 - at]
                    .handle_input(Input::Receive(now, receive))
                    .unwrap();
                // What it says to that leaves when its turn comes, a moment later.
                next = now;
            }
        }
        now = next.max(now + Duration::from_millis(1));
    }
    panic!("no report within {PATIENCE:?}");
}

fn peer(now: Instant, place: SocketAddr) -> Rtc {
    let mut rtc = RtcConfig::new()
        .set_crypto_provider(seeded_dtls::provider())
        .set_dtls_cert(seeded_dtls::certificate())
        .enable_raw_packets(true)
        .build(now);
    rtc.add_local_candidate(Candidate::host(place, "udp").unwrap());
    rtc
}

/// One offers the other its sound.
fn connect([one, other]: &mut [Rtc; 2]) {
    let mut change = one.sdp_api();
    change.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
    let (offer, pending) = change.apply().unwrap();
    let answer: SdpAnswer = other.sdp_api().accept_offer(offer).unwrap();
    one.sdp_api().accept_answer(pending, answer).unwrap();
}

/// The wall clock time of a sender report that was written now.
const fn wall(packet: &RawPacket) -> Option<SystemTime> {
    match packet {
        RawPacket::RtcpTx(Rtcp::SenderReport(report)) => Some(report.sender_info.ntp_time),
        _ => None,
    }
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "the real clocks are what it is about"
)]
fn the_wall_clock_of_the_stack_is_the_same_at_an_instant_whenever_it_is_asked() {
    let now = Instant::now();
    let later = now + Duration::from_secs(1000);
    assert_eq!(at(later), at(now) + Duration::from_secs(1000));
    let off = match SystemTime::now().duration_since(at(now)) {
        Ok(off) => off,
        Err(before) => before.duration(),
    };
    assert!(off < Duration::from_secs(60), "{off:?} off");
}

/// By two clocks that were asked one after the other it was off by another time in each process, and by
/// 4 ms once, on a busy machine.
#[test]
fn virtual_time_begins_at_one_place_of_that_wall_clock() {
    let begins = at(crate::meeting::base()).duration_since(SystemTime::UNIX_EPOCH);
    let begins = begins.unwrap();
    assert_eq!(begins.subsec_nanos(), 5_000);
    // Since 1900, as NTP counts (RFC 5905 section 6).
    assert_eq!((begins.as_secs() + 2_208_988_800) % 65_536, 0);
}
