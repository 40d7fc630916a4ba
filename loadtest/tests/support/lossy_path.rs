//! A path that loses packets: signalling passes through and is told of another media port, behind
//! which every n-th media packet of the server's is dropped.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;

use futures_util::{SinkExt, StreamExt};
use livekit_protocol::SignalResponse;
use livekit_protocol::signal_response::Message as Told;
use prost::Message as _;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::{accept_hdr_async, connect_async};

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A way to a server, gone with the value.
pub(crate) struct LossyPath {
    /// Where clients connect instead of to the server.
    pub(crate) url: String,
    _runtime: Runtime,
}

impl LossyPath {
    /// A path to the server at `url` on which one of `every` media packets is lost on its way to
    /// the client.
    pub(crate) fn to(url: &str, every: usize) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let server = url.trim_end_matches('/').replacen("http", "ws", 1);
        let listener = runtime
            .block_on(TcpListener::bind(LOOPBACK))
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(signal(client, server.clone(), every));
            }
        });
        Self {
            url: format!("ws://{address}"),
            _runtime: runtime,
        }
    }
}

/// Carries one participant's signalling.
#[expect(
    clippy::result_large_err,
    reason = "the library's own shape of a handshake's answer"
)]
async fn signal(client: TcpStream, server: String, every: usize) {
    let asked = Mutex::new(String::new());
    let note = |request: &Request, response: Response| {
        *asked.lock().expect("no panic") = request.uri().to_string();
        Ok(response)
    };
    let mut client = accept_hdr_async(client, note).await.expect("a WebSocket");
    let asked = asked.into_inner().expect("no panic");
    let (mut server, _) = connect_async(format!("{server}{asked}"))
        .await
        .expect("the server");
    // Dropped with the signalling.
    let mut media = None;
    loop {
        tokio::select! {
            said = client.next() => {
                let Some(Ok(message)) = said else { return };
                if server.send(message).await.is_err() {
                    return;
                }
            }
            said = server.next() => {
                let Some(Ok(message)) = said else { return };
                let message = redirect(message, every, &mut media).await;
                if client.send(message).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Names the lossy port in an answer; the first answer opens it.
async fn redirect(message: Message, every: usize, media: &mut Option<Media>) -> Message {
    let Message::Binary(bytes) = &message else {
        return message;
    };
    let mut response = SignalResponse::decode(bytes.clone()).expect("a message");
    let Some(Told::Answer(answer)) = &mut response.message else {
        return message;
    };
    let candidate = |line: &str| -> Option<u16> {
        let words: Vec<_> = line.strip_prefix("a=candidate:")?.split(' ').collect();
        (words[2].eq_ignore_ascii_case("udp") && words[4] == "127.0.0.1")
            .then(|| words[5].parse().expect("a port"))
    };
    let port = answer
        .sdp
        .lines()
        .find_map(candidate)
        .expect("a loopback candidate");
    if media.is_none() {
        *media = Some(Media::open(port, every).await);
    }
    let lossy = media.as_ref().expect("it is open").port;
    let lines = answer.sdp.lines().filter_map(|line| {
        if line.starts_with("a=candidate:") {
            let port = candidate(line)?;
            return Some(line.replacen(&format!(" {port} "), &format!(" {lossy} "), 1));
        }
        Some(line.to_owned())
    });
    answer.sdp = lines.map(|line| line + "\r\n").collect();
    Message::Binary(response.encode_to_vec().into())
}

/// One participant's media.
struct Media {
    port: u16,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Media {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Media {
    async fn open(server: u16, every: usize) -> Self {
        let front = UdpSocket::bind(LOOPBACK).await.expect("a port");
        let back = UdpSocket::bind(LOOPBACK).await.expect("a port");
        let server = (Ipv4Addr::LOCALHOST, server);
        back.connect(server).await.expect("an address");
        let port = front.local_addr().expect("an address").port();
        let task = tokio::spawn(carry(front, back, every));
        Self { port, task }
    }
}

async fn carry(front: UdpSocket, back: UdpSocket, every: usize) {
    let (mut up, mut down) = ([0; 2_048], [0; 2_048]);
    let mut client = None;
    let mut media_packets = 0_usize;
    loop {
        tokio::select! {
            got = front.recv_from(&mut up) => {
                let Ok((len, from)) = got else { continue };
                client = Some(from);
                let _ = back.send(&up[..len]).await;
            }
            got = back.recv(&mut down) => {
                let (Ok(len), Some(client)) = (got, client) else { continue };
                if is_rtp(&down[..len]) {
                    media_packets += 1;
                    if media_packets.is_multiple_of(every) {
                        continue;
                    }
                }
                let _ = front.send_to(&down[..len], client).await;
            }
        }
    }
}

/// RTP and not STUN, DTLS (RFC 7983) or RTCP (RFC 5761 section 4).
fn is_rtp(datagram: &[u8]) -> bool {
    matches!(datagram, [128..=191, second, ..] if !(192..=223).contains(second))
}
