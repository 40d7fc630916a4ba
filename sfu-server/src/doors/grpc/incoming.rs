//! The connections of the port, bounded: how many, and how long one may take to say that it speaks
//! HTTP/2. Until it has said so the transport waits for ever, and strangers who say nothing would
//! use up the process's file descriptors, of which the calls need some.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::server::{Connected, TcpIncoming};

/// Most connections. Higher: memory and file descriptors. Lower: a large control plane's further
/// connections wait in the kernel's queue until others close.
const MAX_CONNECTIONS: usize = 1_024;

/// Most rooms that one connection watches. Higher: not above [`super::MAX_STREAMS`], of which other
/// calls need some. Lower: services that watch many rooms need more connections.
pub(super) const MAX_WATCHES: usize = 100;

/// How long a connection may take to send its preface. Higher: silent strangers hold a connection
/// for longer. Lower: callers over very poor links are cut off.
const PREFACE_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes that every HTTP/2 client sends first (RFC 9113 section 3.4).
const PREFACE: usize = 24;

/// The listener's connections. `keep_alive` is how long a silent one is left alone before TCP asks
/// whether its other end is still there.
pub(super) fn connections(
    listener: TcpListener,
    keep_alive: Duration,
) -> impl Stream<Item = io::Result<Connection>> {
    at_most(MAX_CONNECTIONS, listener, keep_alive)
}

fn at_most(
    most: usize,
    listener: TcpListener,
    keep_alive: Duration,
) -> impl Stream<Item = io::Result<Connection>> {
    let places = Arc::new(Semaphore::new(most));
    let accepted = TcpIncoming::from(listener)
        .with_nodelay(Some(true))
        .with_keepalive(Some(keep_alive));
    accepted.then(move |stream| {
        let places = Arc::clone(&places);
        async move {
            let stream = stream?;
            let place = places.acquire_owned().await.map_err(io::Error::other)?;
            Ok(Connection::new(stream, place))
        }
    })
}

/// One connection: it holds its place until it is closed.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    preface: Option<Preface>,
    watches: Watches,
    _place: OwnedSemaphorePermit,
}

/// How many rooms one connection may watch still; in every request's extensions.
#[derive(Clone, Debug)]
pub(super) struct Watches(Arc<Semaphore>);

impl Watches {
    /// A place for one more, if there is one.
    pub(super) fn take(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }
}

/// What is still missing of the preface, and until when it is waited for.
#[derive(Debug)]
struct Preface {
    missing: usize,
    deadline: Pin<Box<Sleep>>,
}

impl Connection {
    fn new(stream: TcpStream, place: OwnedSemaphorePermit) -> Self {
        let deadline = Box::pin(tokio::time::sleep(PREFACE_TIMEOUT));
        let preface = Some(Preface {
            missing: PREFACE,
            deadline,
        });
        Self {
            stream,
            preface,
            watches: Watches(Arc::new(Semaphore::new(MAX_WATCHES))),
            _place: place,
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = Watches;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.watches.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let Some(preface) = &mut self.preface else {
            return read;
        };
        if read.is_pending() {
            ready!(preface.deadline.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        preface.missing = preface
            .missing
            .saturating_sub(buffer.filled().len() - before);
        if preface.missing == 0 {
            self.preface = None;
        }
        read
    }
}

impl AsyncWrite for Connection {
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn accepted() -> (TcpStream, Connection) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut connections = std::pin::pin!(connections(listener, Duration::from_secs(30)));
        let (caller, connection) = tokio::join!(TcpStream::connect(address), connections.next());
        (caller.unwrap(), connection.unwrap().unwrap())
    }

    #[tokio::test]
    async fn who_does_not_finish_its_preface_is_not_waited_for() {
        let (mut caller, mut connection) = accepted().await;
        caller.write_all(b"PRI").await.unwrap();
        let mut bytes = [0; 24];
        assert_eq!(connection.read(&mut bytes).await.unwrap(), 3);
        tokio::time::pause();
        let waited = connection.read(&mut bytes).await;
        assert_eq!(waited.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_connection_too_many_waits_until_another_closes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut connections = std::pin::pin!(at_most(1, listener, Duration::from_secs(30)));
        let _callers = [
            TcpStream::connect(address).await.unwrap(),
            TcpStream::connect(address).await.unwrap(),
        ];
        let first = connections.next().await.unwrap().unwrap();
        let mut second = std::pin::pin!(connections.next());
        let waited = tokio::time::timeout(Duration::from_millis(100), second.as_mut()).await;
        assert!(waited.is_err(), "it has no place");
        drop(first);
        second.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn who_has_sent_its_preface_may_be_silent() {
        let (mut caller, mut connection) = accepted().await;
        caller
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .await
            .unwrap();
        let mut bytes = [0; 24];
        connection.read_exact(&mut bytes).await.unwrap();
        tokio::time::pause();
        let waited = tokio::time::timeout(PREFACE_TIMEOUT * 2, connection.read(&mut bytes)).await;
        assert!(waited.is_err(), "still waiting");
    }
}
