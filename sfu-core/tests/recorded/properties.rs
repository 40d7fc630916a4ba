//! Whatever happens, what a subscriber gets is a stream that a strict decoder takes, and enough of
//! it.

use crate::party::Party;
use crate::path::Weather;
use crate::recording;

#[test]
fn a_quiet_stream_arrives_whole() {
    for name in recording::names() {
        if name.contains("opus") {
            continue;
        }
        let recording = recording::load(&name);
        println!("{name}");
        let mut party = Party::new(recording, 1, Weather::default());
        party.join(true, Weather::default());
        party.join(false, Weather::default());
        party.pass(5000);
        for subscriber in &party.subscribers {
            let seen = &subscriber.seen;
            println!("{} frames, last {:?}", seen.len(), seen.last());
            assert!(seen.len() > 100);
            assert_eq!(subscriber.given_up, 0);
        }
    }
}
