//! The WebSocket `/rtc/v1`: one for each participant.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{SinkExt, StreamExt};
use livekit_protocol as proto;
use livekit_protocol::signal_request::Message as Asked;
use livekit_protocol::signal_response::Message as Told;
use prost::Message as _;
use tokio::net::TcpStream;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

/// How often the server is told that we live: before it closes silent sockets.
const PING_INTERVAL: Duration = Duration::from_secs(5);

/// Longest message that is read, in bytes. Raising: a server may make us hold that much for each
/// participant. Lowering: answers grow with every track.
const MAX_MESSAGE: usize = 4 << 20;

/// Letters of a server's refusal that are repeated.
const MAX_REFUSAL: usize = 200;

/// Why the signalling is over, in words for the report. The same cause has the same words for
/// every participant, so that the report can count them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignallingError {
    #[error("no TCP connection: {0}")]
    Dial(std::io::Error),
    #[error("the WebSocket was refused with {status}: {body}")]
    Refused { status: u16, body: String },
    #[error("the WebSocket failed: {0}")]
    Socket(tungstenite::Error),
    #[error("the server closed the signalling: {0}")]
    Closed(String),
    #[error("the server sent what is no message: {0}")]
    Undecodable(prost::DecodeError),
}

/// A TCP connection to the server, before anything was said on it.
pub(crate) struct Dialled {
    tcp: TcpStream,
    url: Uri,
}

impl Dialled {
    /// Connects to the host of `url`.
    pub(crate) async fn dial(url: &Uri) -> Result<Self, SignallingError> {
        let host = url.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let default = if url.scheme_str() == Some("wss") {
            443
        } else {
            80
        };
        let port = url.port_u16().unwrap_or(default);
        let tcp = TcpStream::connect((host, port))
            .await
            .map_err(SignallingError::Dial)?;
        // Signalling is small messages that somebody waits for.
        tcp.set_nodelay(true).map_err(SignallingError::Dial)?;
        Ok(Self {
            tcp,
            url: url.clone(),
        })
    }

    /// The address of this machine that the server is reached from.
    pub(crate) fn local_ip(&self) -> Result<IpAddr, SignallingError> {
        let local = self.tcp.local_addr().map_err(SignallingError::Dial)?;
        Ok(local.ip())
    }

    /// Asks to join.
    pub(crate) async fn join(
        self,
        token: &str,
        request: &proto::JoinRequest,
    ) -> Result<Signalling, SignallingError> {
        let wrapped = proto::WrappedJoinRequest {
            compression: proto::wrapped_join_request::Compression::None.into(),
            join_request: request.encode_to_vec(),
        };
        let wrapped = URL_SAFE_NO_PAD.encode(wrapped.encode_to_vec());
        let base = self.url.to_string();
        let base = base.trim_end_matches('/');
        let upgrade = format!("{base}/rtc/v1?access_token={token}&join_request={wrapped}")
            .into_client_request()
            .map_err(SignallingError::Socket)?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let upgraded = client_async_tls_with_config(upgrade, self.tcp, Some(config), None).await;
        let (socket, _) = upgraded.map_err(refusal)?;
        let mut pings = tokio::time::interval(PING_INTERVAL);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Signalling { socket, pings })
    }
}

fn refusal(error: tungstenite::Error) -> SignallingError {
    let tungstenite::Error::Http(response) = error else {
        return SignallingError::Socket(error);
    };
    let body = String::from_utf8_lossy(response.body().as_deref().unwrap_or_default());
    let clean = body.chars().filter(|letter| !letter.is_control());
    SignallingError::Refused {
        status: response.status().as_u16(),
        body: clean.take(MAX_REFUSAL).collect(),
    }
}

/// A participant's signalling.
pub(crate) struct Signalling {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pings: Interval,
}

impl Signalling {
    /// Sends one request.
    pub(crate) async fn ask(&mut self, asked: Asked) -> Result<(), SignallingError> {
        let request = proto::SignalRequest {
            message: Some(asked),
        };
        let message = Message::Binary(request.encode_to_vec().into());
        self.socket
            .send(message)
            .await
            .map_err(SignallingError::Socket)
    }

    /// What the server says next. Sends pings while it waits; may be given up and called again.
    pub(crate) async fn next(&mut self) -> Result<Told, SignallingError> {
        loop {
            let message = tokio::select! {
                message = self.socket.next() => message,
                _ = self.pings.tick() => {
                    self.ask(Asked::PingReq(proto::Ping::default())).await?;
                    continue;
                }
            };
            match message {
                None => return Err(SignallingError::Closed("without a word".into())),
                Some(Err(error)) => return Err(SignallingError::Socket(error)),
                Some(Ok(Message::Close(frame))) => {
                    let why = frame.map_or_else(String::new, |frame| frame.to_string());
                    return Err(SignallingError::Closed(why));
                }
                Some(Ok(Message::Binary(bytes))) => {
                    let response = proto::SignalResponse::decode(bytes)
                        .map_err(SignallingError::Undecodable)?;
                    if let Some(told) = response.message {
                        return Ok(told);
                    }
                }
                Some(Ok(_)) => {}
            }
        }
    }

    /// Says goodbye, as far as the socket still takes it.
    pub(crate) async fn leave(mut self) {
        let leave = proto::LeaveRequest {
            reason: proto::DisconnectReason::ClientInitiated.into(),
            ..Default::default()
        };
        if self.ask(Asked::Leave(leave)).await.is_ok() {
            let _ = self.socket.close(None).await;
        }
    }
}
