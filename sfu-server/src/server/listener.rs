//! HTTP/1.1 over TCP with bounds: on connections, on how long a request's head may take, and on its
//! size. The connection's address is in every request's extensions as `ConnectInfo`.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Service;

use crate::shutdown::Latch;

/// Most connections on one port, WebSockets included. Higher: memory (about 20 kB each) and file
/// descriptors, of which media needs few. Lower: further people wait in the kernel's queue.
const MAX_CONNECTIONS: u32 = 16_384;

/// How long the head of a request may take to arrive. Higher: silent strangers hold a connection
/// for longer. Lower: people on very poor links are cut off. Idle connections end by it too.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a request's answer may take to begin, its body's arrival included. Higher: who sends a
/// body drop by drop holds a connection for longer. Lower: people on very poor links are refused.
/// WebSockets and streamed answers begin at once and may last.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// Largest head of a request, in bytes. A join carries its token and its compressed offer in the
/// URL. Higher: strangers make the server hold more. Lower: joins of people who publish much fail.
const MAX_HEAD: usize = 128 * 1024;

/// Wait after a failed accept: the process is out of descriptors, and asking again at once would
/// only burn the core that should free some.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` is set and every connection is closed, WebSockets included: bound the wait.
pub(super) async fn serve(listener: TcpListener, router: Router, stop: Latch) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS as usize));
    let accepting = async {
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            let (stream, peer) = accept(&listener).await;
            // Signalling is small messages that somebody waits for.
            let _ = stream.set_nodelay(true);
            let stream = Placed {
                stream,
                _place: place,
            };
            tokio::spawn(connection(stream, peer, router.clone(), stop.clone()));
        }
    };
    tokio::select! {
        () = accepting => {}
        () = stop.wait() => {}
    }
    drop(listener);
    // Every place is free again once every connection is closed.
    let _ = places.acquire_many(MAX_CONNECTIONS).await;
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: Placed, peer: SocketAddr, router: Router, stop: Latch) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let answering = router.clone().call(request.map(Body::new));
        async move {
            let answer = tokio::time::timeout(ANSWER_TIMEOUT, answering).await;
            answer.unwrap_or_else(|_| Ok(StatusCode::REQUEST_TIMEOUT.into_response()))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.wait() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "connection ended");
    }
}

/// A connection that holds its place until it is closed, by whoever holds it then: an upgraded one
/// outlives the HTTP exchange.
struct Placed {
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
}

impl AsyncRead for Placed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Placed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
