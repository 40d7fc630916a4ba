//! The door's bounds, its counts, and browsers' way in.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::watching::{next, watch_of};
use super::*;
use crate::doors::grpc::incoming::MAX_WATCHES;

#[tokio::test]
async fn one_connection_watches_so_many_rooms_and_can_still_call() {
    let mut served = serve().await;
    let mut watches = Vec::new();
    let mut here = Vec::new();
    for number in 0..=MAX_WATCHES {
        let room = format!("room {}", number / 50);
        let mut params = recording::params(&room, &format!("guest {number}"));
        params.address = [10, 0, 0, u8::try_from(number).unwrap()].into();
        here.push(served.rooms.join(&params).unwrap());
        let watching = served.watch(watch_of(&room)).await;
        if number < MAX_WATCHES {
            watches.push(watching.unwrap());
        } else {
            let full = (Code::ResourceExhausted, "LIMIT_REACHED".to_owned());
            assert_eq!(refusal(watching), full);
        }
    }
    let listed = served
        .client
        .list_rooms(with(list(), v1::ListRoomsRequest::default()));
    assert_eq!(listed.await.unwrap().into_inner().rooms.len(), 3);
    // Another connection has places of its own, and a place that is given back is free again.
    let channel = Channel::from_shared(served.uri.clone()).unwrap();
    let mut other = RoomServiceClient::new(channel.connect().await.unwrap());
    let watching = other
        .watch_room(with(admin("room 0"), watch_of("room 0")))
        .await;
    next(&mut watching.unwrap().into_inner()).await;
    watches.pop();
    served
        .eventually(|rooms| rooms.watchers() < MAX_WATCHES)
        .await;
    served.watch(watch_of("room 0")).await.unwrap();
}

#[tokio::test]
async fn a_call_beyond_a_connection_s_streams_waits_for_one() {
    let mut served = serve().await;
    let mut health = HealthClient::new(served.channel.clone());
    let mut open = Vec::new();
    for _ in 0..MAX_STREAMS {
        let watched = health.watch(HealthCheckRequest::default()).await.unwrap();
        let mut watched = watched.into_inner();
        watched.message().await.unwrap();
        open.push(watched);
    }
    let listed = served
        .client
        .list_rooms(with(list(), v1::ListRoomsRequest::default()));
    let mut listed = std::pin::pin!(listed);
    let waited = tokio::time::timeout(Duration::from_millis(100), listed.as_mut()).await;
    assert!(waited.is_err(), "it has no stream");
    open.pop();
    listed.await.unwrap();
}

#[tokio::test]
async fn a_token_larger_than_any_is_refused_unread() {
    let mut served = serve().await;
    let request = bearing(&long(64 * 1024), v1::ListRoomsRequest::default());
    let status = served.client.list_rooms(request).await.unwrap_err();
    assert_eq!(status.code(), Code::Unknown, "{status:?}");
    // The connection is none the worse.
    served
        .client
        .list_rooms(with(list(), v1::ListRoomsRequest::default()))
        .await
        .unwrap();
}

#[tokio::test]
async fn calls_are_counted_by_method_and_code() {
    let mut served = serve().await;
    let _ann = recording::join(&served.rooms, "kitchen", "ann");
    let rooms = || v1::ListRoomsRequest::default();
    served
        .client
        .list_rooms(with(list(), rooms()))
        .await
        .unwrap();
    served
        .client
        .list_rooms(with(create(), rooms()))
        .await
        .unwrap_err();
    let watching = served.watch(watch_of("kitchen")).await.unwrap();
    let count = |method: &str, code: &str| {
        let one = served
            .calls
            .each()
            .find(|one| one.method == method)
            .unwrap();
        let counted = one.ended.iter().find(|(name, _)| *name == code);
        (one.in_progress, counted.map_or(0, |(_, count)| *count))
    };
    assert_eq!(count("WatchRoom", "OK"), (1, 0));
    drop(watching);
    served
        .eventually(|_| count("WatchRoom", "CANCELLED") == (0, 1))
        .await;
    let mut request = with(admin("kitchen"), watch_of("kitchen"));
    request.set_timeout(Duration::from_secs(2));
    let watching = served.client.watch_room(request).await.unwrap();
    let mut watching = watching.into_inner();
    while watching.message().await.is_ok() {}
    served
        .eventually(|_| count("WatchRoom", "DEADLINE_EXCEEDED") == (0, 1))
        .await;
    let watching = served.watch(watch_of("kitchen")).await.unwrap();
    served.rooms.delete_room("kitchen").unwrap();
    served
        .eventually(|_| count("WatchRoom", "OK") == (0, 1))
        .await;
    drop(watching);
    // A call ends for the server when its answer is written: its caller may know it sooner.
    for code in ["OK", "PERMISSION_DENIED"] {
        served
            .eventually(|_| count("ListRooms", code) == (0, 1))
            .await;
    }
    // What strangers make up is one method, whatever its name.
    for path in ["/sfu.control.v1.RoomService/Nothing", "/a/b"] {
        let answer = from_a_page(&served, path, &token(list())).await;
        assert!(answer.contains("grpc-status: 12"), "{answer}");
    }
    served
        .eventually(|_| count("other", "UNIMPLEMENTED") == (0, 2))
        .await;
}

const LIST: &str = "/sfu.control.v1.RoomService/ListRooms";

/// One call as a browser's page makes it: HTTP/1.1, the message in a frame of its own.
async fn from_a_page(served: &Served, path: &str, token: &str) -> String {
    let address = served.uri.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\n\
         origin: https://example.org\r\nauthorization: Bearer {token}\r\n\
         content-type: application/grpc-web+proto\r\ncontent-length: 5\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&[0; 5]).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).to_lowercase()
}

#[tokio::test]
async fn a_page_calls_by_grpc_web_and_other_origins_are_not_let_in() {
    let served = serve().await;
    let _ann = recording::join(&served.rooms, "kitchen", "ann");
    let answer = from_a_page(&served, LIST, &token(list())).await;
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    assert!(
        answer.contains("kitchen") && answer.contains("grpc-status:0"),
        "{answer}"
    );
    assert!(!answer.contains("access-control-allow"), "{answer}");
    let answer = from_a_page(&served, LIST, "x").await;
    assert!(
        answer.contains("grpc-status: 16") && !answer.contains("kitchen"),
        "{answer}"
    );
}
