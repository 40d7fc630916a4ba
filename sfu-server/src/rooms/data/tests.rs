//! Data messages in a room. Here a message is text: `sequence/identities/sids/speaks_for/body`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Mutex;

use sfu_core::command::Command;
use sfu_core::event::Event;

use super::*;
use crate::rooms::{JoinParams, Joined, MediaWorkers, Permissions, Settings};

struct Words;

impl DataCodec for Words {
    fn label(&self, delivery: Delivery) -> DataLabel {
        label(delivery)
    }

    fn read(&self, message: &[u8]) -> Result<DataHeader, DataDrop> {
        let text = std::str::from_utf8(message).map_err(|_| DataDrop::Undecodable)?;
        let parts: Vec<_> = text.split('/').collect();
        let [sequence, identities, sids, speaks_for, _] = parts[..] else {
            return Err(DataDrop::Undecodable);
        };
        let list = |names: &str| {
            let names = names.split(',').filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        };
        Ok(DataHeader {
            sequence: sequence.parse().map_err(|_| DataDrop::Undecodable)?,
            identities: list(identities),
            sids: list(sids),
            speaks_for: list(speaks_for).pop(),
        })
    }

    fn forward(&self, message: &[u8], delivery: Delivery, sender: DataSender<'_>) -> Vec<u8> {
        let text = std::str::from_utf8(message).unwrap();
        let body = text.rsplit('/').next().unwrap();
        let sid = if sender.sid.is_empty() { "no" } else { "a" };
        format!("{body} {delivery:?} by {} ({sid} sid)", sender.identity).into_bytes()
    }

    fn compose(&self, data: ServerData) -> Vec<u8> {
        let mut composed = b"server: ".to_vec();
        composed.extend_from_slice(&data.payload);
        composed
    }
}

fn label(delivery: Delivery) -> DataLabel {
    DataLabel::from(match delivery {
        Delivery::Reliable => "whole",
        Delivery::Lossy => "once",
    })
    .unwrap()
}

#[derive(Default)]
struct Recorder(Mutex<Vec<Command>>);

impl MediaWorkers for Recorder {
    fn workers(&self) -> usize {
        1
    }

    fn send(&self, _: usize, command: Command) {
        self.0.lock().unwrap().push(command);
    }
}

struct House {
    rooms: Rooms,
    recorder: Arc<Recorder>,
}

struct Guest {
    joined: Joined,
    id: ParticipantId,
}

fn house() -> House {
    let recorder = Arc::new(Recorder::default());
    let workers = Arc::clone(&recorder) as Arc<dyn MediaWorkers>;
    let rooms = Rooms::new(Settings::default(), workers);
    rooms.set_data_codec(Arc::new(Words));
    House { rooms, recorder }
}

fn params(identity: &str, permissions: Permissions) -> JoinParams {
    JoinParams {
        room: "kitchen".into(),
        identity: identity.into(),
        name: String::new(),
        metadata: String::new(),
        attributes: BTreeMap::new(),
        permissions,
        auto_subscribe: true,
        may_create: false,
        address: IpAddr::from([192, 0, 2, 1]),
        client: "test".into(),
    }
}

impl House {
    fn join_with(&self, identity: &str, permissions: Permissions) -> Guest {
        let joined = self.rooms.join(&params(identity, permissions)).unwrap();
        let sent = self.recorder.0.lock().unwrap();
        let id = sent.iter().rev().find_map(|command| match command {
            Command::AddParticipant { participant, .. } => Some(*participant),
            _ => None,
        });
        let id = id.unwrap();
        Guest { joined, id }
    }

    /// Somebody without channels.
    fn join(&self, identity: &str) -> Guest {
        self.join_with(identity, Permissions::default())
    }

    /// Somebody whose channels are open.
    fn guest(&self, identity: &str) -> Guest {
        let guest = self.join(identity);
        self.open(&guest, Delivery::Reliable);
        self.open(&guest, Delivery::Lossy);
        guest
    }

    fn open(&self, guest: &Guest, delivery: Delivery) {
        let opened = Event::DataChannelOpened {
            participant: guest.id,
            label: label(delivery),
        };
        self.rooms.handle_event(0, opened);
    }

    fn says_over(&self, guest: &Guest, channel: &str, message: impl Into<Vec<u8>>) {
        let received = Event::DataReceived {
            participant: guest.id,
            label: DataLabel::from(channel).unwrap(),
            payload: message.into(),
        };
        self.rooms.handle_event(0, received);
    }

    fn says(&self, guest: &Guest, message: &str) {
        self.says_over(guest, "whole", message);
    }

    /// What was sent since the last call: to whom, in the order of joining, and what.
    fn sent(&self) -> Vec<String> {
        let sent = std::mem::take(&mut *self.recorder.0.lock().unwrap());
        let data = sent.iter().filter_map(|command| match command {
            Command::SendData {
                recipients,
                label,
                payload,
            } => {
                let to: Vec<_> = recipients
                    .iter()
                    .map(|to| (to.0 & 0xff).to_string())
                    .collect();
                let text = String::from_utf8_lossy(payload);
                Some(format!("{} <- {label}: {text}", to.join(" ")))
            }
            _ => None,
        });
        data.collect()
    }

    fn drops(&self, reason: DataDrop) -> u64 {
        self.rooms.data_counts().drops(reason)
    }

    fn all_drops(&self) -> u64 {
        DataDrop::ALL.iter().map(|reason| self.drops(*reason)).sum()
    }
}

#[test]
fn a_message_reaches_everybody_else_by_its_sender_s_true_name() {
    let house = house();
    let [ann, _bob, _cleo] = ["ann", "bob", "cleo"].map(|who| house.guest(who));
    house.says(&ann, "1////hello");
    house.says_over(&ann, "once", "0////here I am");
    assert_eq!(
        house.sent(),
        [
            "2 3 <- whole: hello Reliable by ann (a sid)",
            "2 3 <- once: here I am Lossy by ann (a sid)",
        ]
    );
    assert_eq!(house.rooms.data_counts().messages_in(), (2, 10 + 14));
    let (sent, bytes) = house.rooms.data_counts().messages_out();
    assert_eq!((sent, bytes), (4, 2 * (29 + 30)));
    assert_eq!(house.all_drops(), 0);
}

#[test]
fn only_those_who_are_named_get_it_and_each_once() {
    let house = house();
    let [ann, bob, _cleo, _dan] = ["ann", "bob", "cleo", "dan"].map(|who| house.guest(who));
    house.says(&ann, "0/dan,bob,dan///a");
    // By sid and by identity, the same one; and the sender itself is never meant.
    let sid = bob.joined.session.sid();
    house.says(&ann, &format!("0/ann,bob/{sid},PA_gone//b"));
    house.says(&ann, &format!("0//{sid}//c"));
    house.says(&ann, "0/nobody///d");
    house.says(&ann, "0/ann///e");
    assert_eq!(
        house.sent(),
        [
            "2 4 <- whole: a Reliable by ann (a sid)",
            "2 <- whole: b Reliable by ann (a sid)",
            "2 <- whole: c Reliable by ann (a sid)",
        ]
    );
}

#[test]
fn without_the_right_nothing_is_forwarded() {
    let house = house();
    let mute = Permissions {
        publish_data: false,
        ..Permissions::default()
    };
    let ann = house.join_with("ann", mute);
    let bob = house.guest("bob");
    house.says(&ann, "1////hello");
    assert_eq!(house.sent(), [""; 0]);
    assert_eq!(house.drops(DataDrop::NotPermitted), 1);
    // The other way round it still hears.
    house.open(&ann, Delivery::Reliable);
    house.says(&bob, "1////hello");
    assert_eq!(house.sent().len(), 1);
}

#[test]
fn what_came_already_is_not_forwarded_again() {
    let house = house();
    let [ann, bob] = ["ann", "bob"].map(|who| house.guest(who));
    for message in ["1////a", "2////b", "2////b", "1////a", "5////c", "4////d"] {
        house.says(&ann, message);
    }
    assert_eq!(house.sent().len(), 3);
    assert_eq!(house.drops(DataDrop::Duplicate), 3);
    // Each sender counts for itself; what is not counted is never the same; and no more is what is
    // sent once.
    house.says(&bob, "1////a");
    house.says(&ann, "0////e");
    house.says(&ann, "0////e");
    house.says_over(&ann, "once", "3////f");
    assert_eq!(house.sent().len(), 4);
    assert_eq!(house.drops(DataDrop::Duplicate), 3);
}

#[test]
fn a_session_that_goes_on_is_told_what_arrived_last() {
    let house = house();
    let ann = house.guest("ann");
    assert_eq!(ann.joined.last_data, 0);
    house.says(&ann, "7////a");
    let sid = ann.joined.session.sid().to_owned();
    let params = params("ann", Permissions::default());
    let resumed = house.rooms.resume(&params, &sid).unwrap();
    assert_eq!(resumed.last_data, 7);
    // A new session counts anew.
    let again = house.guest("ann");
    let _bob = house.guest("bob");
    house.sent();
    house.says(&again, "1////a");
    assert_eq!(house.sent().len(), 1);
}

#[test]
fn data_flows_while_the_signalling_is_away() {
    let house = house();
    let [ann, bob] = ["ann", "bob"].map(|who| house.guest(who));
    let (ann_id, bob_id) = (ann.id, bob.id);
    drop((ann, bob));
    for participant in [ann_id, bob_id] {
        let received = Event::DataReceived {
            participant,
            label: label(Delivery::Reliable),
            payload: b"1////a".to_vec(),
        };
        house.rooms.handle_event(0, received);
    }
    assert_eq!(house.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn reliable_messages_wait_for_a_channel_that_opens_soon() {
    let house = house();
    let ann = house.guest("ann");
    let _bob = house.guest("bob");
    let late = house.join("late");
    house.says(&ann, "1////a");
    house.says(&ann, "2/late///b");
    house.says_over(&ann, "once", "0////c");
    assert_eq!(
        house.sent(),
        [
            "2 <- whole: a Reliable by ann (a sid)",
            "2 <- once: c Lossy by ann (a sid)",
        ]
    );
    assert_eq!(house.drops(DataDrop::NoChannel), 1);
    house.open(&late, Delivery::Lossy);
    assert_eq!(house.sent(), [""; 0]);
    house.open(&late, Delivery::Reliable);
    assert_eq!(
        house.sent(),
        [
            "3 <- whole: a Reliable by ann (a sid)",
            "3 <- whole: b Reliable by ann (a sid)",
        ]
    );
    // Opened again, it has nothing more to tell.
    house.open(&late, Delivery::Reliable);
    assert_eq!(house.sent(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_channel_is_bounded_in_bytes_number_and_time() {
    let house = house();
    let ann = house.guest("ann");
    let late = house.join("late");
    let big = format!("0////{}", "x".repeat(60_000));
    for _ in 0..5 {
        house.says(&ann, &big);
    }
    assert_eq!(house.drops(DataDrop::NoChannel), 3);
    house.rooms.sweep(Instant::now() + limits::WAITING_DATA_FOR);
    assert_eq!(house.drops(DataDrop::NoChannel), 5);
    for _ in 0..=limits::MAX_WAITING_MESSAGES {
        house.says(&ann, "0////x");
    }
    assert_eq!(house.drops(DataDrop::NoChannel), 6);
    house
        .rooms
        .sweep(Instant::now() + limits::WAITING_DATA_FOR / 2);
    house.open(&late, Delivery::Reliable);
    assert_eq!(house.sent().len(), limits::MAX_WAITING_MESSAGES);
}

#[tokio::test(start_paused = true)]
async fn each_message_waits_for_its_own_time() {
    let house = house();
    let ann = house.guest("ann");
    let late = house.join("late");
    house.says(&ann, "0////old");
    tokio::time::advance(limits::WAITING_DATA_FOR / 2).await;
    house.says(&ann, "0////young");
    tokio::time::advance(limits::WAITING_DATA_FOR / 2).await;
    house.rooms.sweep(Instant::now());
    assert_eq!(house.drops(DataDrop::NoChannel), 1);
    house.open(&late, Delivery::Reliable);
    assert_eq!(house.sent(), ["2 <- whole: young Reliable by ann (a sid)"]);
}

#[tokio::test(start_paused = true)]
async fn who_sends_too_much_to_too_many_is_slowed_and_nobody_else() {
    let house = house();
    let guests: Vec<_> = (0..51).map(|n| house.guest(&n.to_string())).collect();
    let burst = limits::DATA_DELIVERY_BURST / 50;
    for _ in 0..burst + 3 {
        house.says(&guests[0], "0////x");
    }
    assert_eq!(house.sent().len(), usize::try_from(burst).unwrap());
    assert_eq!(house.drops(DataDrop::TooMany), 3);
    house.says(&guests[1], "0////x");
    assert_eq!(house.sent().len(), 1);
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    house.says(&guests[0], "0////x");
    assert_eq!(house.sent().len(), 1);
}

#[test]
fn a_hidden_sender_has_no_name() {
    let house = house();
    let hidden = Permissions {
        hidden: true,
        ..Permissions::default()
    };
    let ghost = house.join_with("ghost", hidden);
    let _bob = house.guest("bob");
    house.says(&ghost, "1////boo");
    assert_eq!(house.sent(), ["2 <- whole: boo Reliable by  (no sid)"]);
}

#[test]
fn nobody_speaks_in_another_s_name() {
    let house = house();
    let [ann, _bob] = ["ann", "bob"].map(|who| house.guest(who));
    house.says(&ann, "1///bob/I owe ann money");
    house.says(&ann, "2///ann/I owe nobody");
    assert_eq!(
        house.sent(),
        ["2 <- whole: I owe nobody Reliable by ann (a sid)"]
    );
    assert_eq!(house.drops(DataDrop::NotForwarded), 1);
}

#[test]
fn hostile_messages_are_dropped_and_counted() {
    let house = house();
    let [ann, bob] = ["ann", "bob"].map(|who| house.guest(who));
    house.says_over(&ann, "whole", [0xff; 9]);
    house.says_over(&ann, "whole", "");
    house.says_over(&ann, "another", "1////a");
    house.says_over(&ann, "", "1////a");
    house.says(&ann, &format!("1////{}", "x".repeat(limits::MAX_DATA)));
    let names = vec!["bob"; limits::MAX_DATA_DESTINATIONS + 1].join(",");
    house.says(&ann, &format!("1/{names}///a"));
    assert_eq!(house.sent(), [""; 0]);
    for (reason, count) in [
        (DataDrop::Undecodable, 2),
        (DataDrop::UnknownChannel, 2),
        (DataDrop::TooLong, 1),
        (DataDrop::TooManyDestinations, 1),
    ] {
        assert_eq!(house.drops(reason), count, "{reason:?}");
    }
    assert_eq!(house.all_drops(), 6);
    // It hurts nobody, and not even the sender's next word.
    house.says(&ann, "1////a");
    house.says(&bob, "1////b");
    assert_eq!(house.sent().len(), 2);
}

#[test]
fn what_somebody_said_before_it_left_changes_nothing() {
    let house = house();
    let [ann, _bob] = ["ann", "bob"].map(|who| house.guest(who));
    ann.joined.session.leave();
    house.says(&ann, "1////a");
    house.open(&ann, Delivery::Reliable);
    assert_eq!(house.sent(), [""; 0]);
    assert_eq!(house.all_drops(), 0);
    house.rooms.delete_room("kitchen").unwrap();
    house.says(&ann, "2////a");
    assert_eq!(house.sent(), [""; 0]);
}

#[test]
fn the_server_speaks_to_all_or_to_some() {
    let house = house();
    let _guests = ["ann", "bob"].map(|who| house.guest(who));
    let to_all = ServerData {
        payload: b"dinner".to_vec(),
        reliable: true,
        ..ServerData::default()
    };
    house.rooms.send_data("kitchen", to_all.clone()).unwrap();
    let to_bob = ServerData {
        reliable: false,
        destination_identities: vec!["bob".into(), "nobody".into()],
        ..to_all
    };
    house.rooms.send_data("kitchen", to_bob).unwrap();
    assert_eq!(
        house.sent(),
        ["1 2 <- whole: server: dinner", "2 <- once: server: dinner"]
    );
}

#[test]
fn what_the_server_cannot_send_is_refused_by_field() {
    let house = house();
    let _ann = house.guest("ann");
    let send = |room: &str, message: ServerData| {
        house
            .rooms
            .send_data(room, message)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        send("cellar", ServerData::default()),
        "room: the requested room does not exist"
    );
    let long = ServerData {
        payload: vec![0; limits::MAX_SERVER_DATA + 1],
        ..ServerData::default()
    };
    assert_eq!(send("kitchen", long), "payload: 63489 bytes, at most 63488");
    let long = ServerData {
        topic: Some("x".repeat(limits::MAX_TOPIC + 1)),
        ..ServerData::default()
    };
    assert_eq!(send("kitchen", long), "topic: 257 bytes, at most 256");
    let many = ServerData {
        destination_identities: vec![String::new(); limits::MAX_DATA_DESTINATIONS + 1],
        ..ServerData::default()
    };
    assert_eq!(
        send("kitchen", many),
        "destination_identities: at most 1000"
    );
    let mute = Rooms::new(Settings::default(), Arc::new(Recorder::default()));
    let _ann = mute.join(&params("ann", Permissions::default())).unwrap();
    let refused = mute.send_data("kitchen", ServerData::default());
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unavailable);
}
