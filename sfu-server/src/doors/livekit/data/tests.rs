//! Packets as clients write them, and as no client does.
#![expect(deprecated, reason = "clients of today still read the older fields")]

use livekit_protocol::{
    ActiveSpeakerUpdate, ChatMessage, DataPacket, EncryptedPacket, MetricsBatch, RpcAck,
    RpcRequest, RpcResponse, SipDtmf, SpeakerInfo, Transcription, UserPacket, data_stream,
};

use super::*;

const ANN: DataSender<'static> = DataSender {
    sid: "PA_ann",
    identity: "ann",
};

fn packet(value: Value) -> DataPacket {
    DataPacket {
        sequence: 7,
        value: Some(value),
        ..Default::default()
    }
}

fn user() -> UserPacket {
    UserPacket {
        payload: vec![1, 2, 3],
        topic: Some("moves".into()),
        id: Some("1".into()),
        start_time: Some(4),
        nonce: vec![5],
        ..Default::default()
    }
}

fn forwarded(packet: &DataPacket, delivery: Delivery) -> DataPacket {
    let bytes = packet.encode_to_vec();
    DataPackets.read(&bytes).unwrap();
    DataPacket::decode(&*DataPackets.forward(&bytes, delivery, ANN)).unwrap()
}

#[test]
fn every_kind_that_participants_send_each_other_arrives_whole() {
    for value in [
        Value::SipDtmf(SipDtmf {
            code: 1,
            digit: "1".into(),
        }),
        Value::ChatMessage(ChatMessage {
            id: "1".into(),
            message: "hello".into(),
            ..Default::default()
        }),
        Value::RpcRequest(RpcRequest {
            id: "1".into(),
            method: "add".into(),
            payload: "2".into(),
            response_timeout_ms: 3,
            version: 1,
            ..Default::default()
        }),
        Value::RpcAck(RpcAck {
            request_id: "1".into(),
        }),
        Value::RpcResponse(RpcResponse {
            request_id: "1".into(),
            ..Default::default()
        }),
        Value::StreamHeader(data_stream::Header {
            stream_id: "1".into(),
            total_length: Some(60_000),
            ..Default::default()
        }),
        Value::StreamChunk(data_stream::Chunk {
            stream_id: "1".into(),
            content: vec![9; 15_000],
            ..Default::default()
        }),
        Value::StreamTrailer(data_stream::Trailer {
            stream_id: "1".into(),
            ..Default::default()
        }),
        Value::EncryptedPacket(EncryptedPacket {
            iv: vec![1; 12],
            encrypted_value: vec![2; 40],
            ..Default::default()
        }),
        Value::Transcription(Transcription {
            transcribed_participant_identity: "ann".into(),
            ..Default::default()
        }),
    ] {
        let sent = packet(value);
        let expected = DataPacket {
            participant_identity: "ann".into(),
            participant_sid: "PA_ann".into(),
            ..sent.clone()
        };
        assert_eq!(forwarded(&sent, Delivery::Reliable), expected);
    }
}

#[test]
fn what_a_packet_says_of_its_sender_is_replaced_wherever_it_says_it() {
    let forged = DataPacket {
        kind: Kind::Lossy.into(),
        participant_identity: "bob".into(),
        participant_sid: "PA_bob".into(),
        destination_identities: vec!["cleo".into()],
        ..packet(Value::User(UserPacket {
            participant_identity: "bob".into(),
            participant_sid: "PA_bob".into(),
            ..user()
        }))
    };
    let expected = DataPacket {
        kind: Kind::Reliable.into(),
        participant_identity: "ann".into(),
        participant_sid: "PA_ann".into(),
        value: Some(Value::User(UserPacket {
            participant_identity: "ann".into(),
            participant_sid: "PA_ann".into(),
            ..user()
        })),
        ..forged.clone()
    };
    assert_eq!(forwarded(&forged, Delivery::Reliable), expected);
    let lossy = DataPacket {
        kind: Kind::Lossy.into(),
        ..expected.clone()
    };
    assert_eq!(forwarded(&forged, Delivery::Lossy), lossy);
    // A field that comes twice counts by its last, and a message that does is merged.
    let mut twice = forged.encode_to_vec();
    twice.extend(forged.encode_to_vec());
    let twice = DataPackets.forward(&twice, Delivery::Reliable, ANN);
    let twice = DataPacket::decode(&*twice).unwrap();
    assert_eq!(twice.participant_identity, "ann");
    assert_eq!(twice.participant_sid, "PA_ann");
    assert_eq!(twice.value, expected.value);
    // Nobody sees who is hidden.
    let hidden = DataSender {
        sid: "",
        identity: "",
    };
    let bytes = DataPackets.forward(&forged.encode_to_vec(), Delivery::Reliable, hidden);
    assert!(!String::from_utf8_lossy(&bytes).contains("bob"));
}

#[test]
fn kinds_and_fields_that_are_newer_than_the_server_arrive_as_they_are() {
    let mut newer = packet(Value::User(user())).encode_to_vec();
    put(900, b"a field", &mut newer);
    let mut inner = user().encode_to_vec();
    put(901, b"a field of the user's packet", &mut inner);
    let mut kind = Vec::new();
    put(902, b"a kind", &mut kind);
    encoding::uint32::encode(903, &5, &mut kind);
    let mut nested = Vec::new();
    put(packet::USER, &inner, &mut nested);
    for sent in [newer, kind, nested] {
        DataPackets.read(&sent).unwrap();
        let got = DataPackets.forward(&sent, Delivery::Reliable, ANN);
        for field in Fields(&sent).filter(|field| field.number != packet::USER) {
            assert!(Fields(&got).any(|there| there.whole == field.whole));
        }
        let inside = |message: &[u8]| -> Vec<Vec<u8>> {
            let user = Fields(message).find(|field| field.number == packet::USER);
            let content = user.map_or(&[][..], |user| user.content);
            let fields = Fields(content);
            let kept = fields.filter(|one| ![1, 5].contains(&one.number));
            kept.map(|one| one.whole.to_vec()).collect()
        };
        assert_eq!(inside(&got), inside(&sent));
    }
}

#[test]
fn receivers_are_named_in_the_packet_or_where_older_clients_name_them() {
    let older = UserPacket {
        destination_identities: vec!["bob".into()],
        destination_sids: vec!["PA_cleo".into()],
        ..user()
    };
    let read = |packet: &DataPacket| DataPackets.read(&packet.encode_to_vec()).unwrap();
    let header = read(&packet(Value::User(older.clone())));
    assert_eq!(header.identities, ["bob"]);
    assert_eq!(header.sids, ["PA_cleo"]);
    assert_eq!(header.sequence, 7);
    let both = DataPacket {
        destination_identities: vec!["dan".into()],
        ..packet(Value::User(older))
    };
    assert_eq!(read(&both).identities, ["dan"]);
}

#[test]
fn what_only_the_server_says_is_not_forwarded() {
    let speaker = Value::Speaker(ActiveSpeakerUpdate {
        speakers: vec![SpeakerInfo {
            sid: "PA_bob".into(),
            level: 1.0,
            active: true,
        }],
    });
    for value in [speaker, Value::Metrics(MetricsBatch::default())] {
        let bytes = packet(value).encode_to_vec();
        assert_eq!(DataPackets.read(&bytes), Err(DataDrop::NotForwarded));
    }
    let of_bob = packet(Value::Transcription(Transcription {
        transcribed_participant_identity: "bob".into(),
        ..Default::default()
    }));
    let header = DataPackets.read(&of_bob.encode_to_vec()).unwrap();
    assert_eq!(header.speaks_for.as_deref(), Some("bob"));
}

#[test]
fn what_is_no_packet_is_undecodable() {
    let whole = packet(Value::User(user())).encode_to_vec();
    let empty = DataPacket {
        sequence: 3,
        participant_identity: "bob".into(),
        ..Default::default()
    };
    for bytes in [
        &b""[..],
        &[0xff; 40],
        &[0; 3],
        // A length of 2^64 - 1.
        &[
            0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
        ],
        // A group that never ends.
        &[0x1b; 200],
        // A name that is not UTF-8.
        &[0x22, 1, 0xff],
        &whole[..whole.len() - 1],
        &empty.encode_to_vec(),
    ] {
        assert_eq!(DataPackets.read(bytes), Err(DataDrop::Undecodable));
    }
}

#[test]
fn ten_thousand_receivers_are_read_so_that_the_rooms_can_refuse_them() {
    let many = DataPacket {
        destination_identities: vec!["x".into(); 10_000],
        ..packet(Value::User(user()))
    };
    let header = DataPackets.read(&many.encode_to_vec()).unwrap();
    assert_eq!(header.identities.len(), 10_000);
}

/// Whatever a stranger writes: what can be read can be read by the receivers, and names its sender.
#[test]
fn no_damage_to_a_packet_forges_its_sender() {
    let sent = DataPacket {
        participant_identity: "bob".into(),
        participant_sid: "PA_bob".into(),
        destination_identities: vec!["cleo".into(), "dan".into()],
        ..packet(Value::User(UserPacket {
            participant_identity: "bob".into(),
            participant_sid: "PA_bob".into(),
            ..user()
        }))
    };
    let whole = sent.encode_to_vec();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).unwrap()
    };
    let mut read = 0;
    for _ in 0..20_000 {
        let mut bytes = whole.clone();
        for _ in 0..=next(2) {
            let at = next(bytes.len());
            match next(3) {
                0 => bytes[at] = u8::try_from(next(256)).unwrap(),
                1 => drop(bytes.remove(at)),
                _ => {
                    let piece = bytes[at..bytes.len().min(at + 12)].to_vec();
                    let to = next(bytes.len());
                    bytes.splice(to..to, piece);
                }
            }
        }
        if DataPackets.read(&bytes).is_err() {
            continue;
        }
        read += 1;
        let got = DataPackets.forward(&bytes, Delivery::Reliable, ANN);
        let got = DataPacket::decode(&*got).unwrap();
        assert_eq!(got.participant_identity, "ann");
        assert_eq!(got.participant_sid, "PA_ann");
        if let Some(Value::User(user)) = got.value {
            assert_eq!(user.participant_identity, "ann");
            assert_eq!(user.participant_sid, "PA_ann");
        }
    }
    assert!(read > 1_000, "only {read} could be read");
}

#[test]
fn the_server_s_own_message_has_no_sender() {
    let data = ServerData {
        payload: vec![1, 2, 3],
        reliable: false,
        topic: Some("dinner".into()),
        destination_identities: vec!["ann".into()],
    };
    let composed = DataPacket::decode(&*DataPackets.compose(data)).unwrap();
    let expected = DataPacket {
        kind: Kind::Lossy.into(),
        value: Some(Value::User(UserPacket {
            payload: vec![1, 2, 3],
            topic: Some("dinner".into()),
            ..Default::default()
        })),
        ..Default::default()
    };
    assert_eq!(composed, expected);
}
