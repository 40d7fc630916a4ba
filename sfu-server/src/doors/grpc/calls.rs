//! How the calls of this door went: counted by method and code, for metrics.
//!
//! The methods are those of the contracts that are served; what else strangers ask for is counted
//! together, so that nobody can make the list grow.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use axum::http::{HeaderMap, Request, Response};
use hyper::body::{Body, Frame, SizeHint};
use prost::Message;
use prost_types::FileDescriptorSet;
use tower::{Layer, Service};

/// Every status code by its number (gRPC, "Status codes and their use").
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

const CANCELLED: usize = 1;
const UNKNOWN: usize = 2;

/// What a method that is not served is counted as.
const OTHER: &str = "other";

/// Counts of every method. Clones are the same counts.
#[derive(Clone, Debug)]
pub struct Calls(Arc<Table>);

#[derive(Debug)]
struct Table {
    methods: Vec<Method>,
    /// `/service/method` and its place; the first method is that of all others.
    by_path: HashMap<String, usize>,
}

#[derive(Debug)]
struct Method {
    service: String,
    name: String,
    in_progress: AtomicUsize,
    ended: [AtomicU64; CODES.len()],
}

/// One method's counts.
#[derive(Debug)]
pub struct Counted<'a> {
    /// The service, with its package.
    pub service: &'a str,
    /// The method.
    pub method: &'a str,
    /// Calls that have begun and not ended: streams, most of them.
    pub in_progress: usize,
    /// Calls that ended, for each code by which at least one did, and for OK.
    pub ended: Vec<(&'static str, u64)>,
}

impl Method {
    fn new(service: &str, name: &str) -> Self {
        Self {
            service: service.to_owned(),
            name: name.to_owned(),
            in_progress: AtomicUsize::new(0),
            ended: Default::default(),
        }
    }
}

impl Calls {
    /// No calls yet, of the methods that these encoded descriptors name.
    pub(super) fn of(descriptors: &[&[u8]]) -> Self {
        let mut methods = vec![Method::new(OTHER, OTHER)];
        let mut by_path = HashMap::new();
        for encoded in descriptors {
            let set = FileDescriptorSet::decode(*encoded).unwrap_or_default();
            for file in &set.file {
                for service in &file.service {
                    let full = format!("{}.{}", file.package(), service.name());
                    for method in &service.method {
                        by_path.insert(format!("/{full}/{}", method.name()), methods.len());
                        methods.push(Method::new(&full, method.name()));
                    }
                }
            }
        }
        Self(Arc::new(Table { methods, by_path }))
    }

    /// The counts, by method.
    pub fn each(&self) -> impl Iterator<Item = Counted<'_>> {
        self.0.methods.iter().map(|method| {
            let ended = CODES.iter().zip(&method.ended);
            let ended = ended.map(|(code, count)| (*code, count.load(Relaxed)));
            Counted {
                service: &method.service,
                method: &method.name,
                in_progress: method.in_progress.load(Relaxed),
                ended: ended
                    .filter(|(code, count)| *count > 0 || *code == CODES[0])
                    .collect(),
            }
        })
    }

    fn begin(&self, path: &str) -> InProgress {
        let method = self.0.by_path.get(path).copied().unwrap_or_default();
        self.0.methods[method].in_progress.fetch_add(1, Relaxed);
        InProgress {
            calls: self.clone(),
            method,
            // Unless it ends otherwise, its caller has given up on it.
            code: CANCELLED,
        }
    }
}

/// A call that has begun; counted as ended when it is dropped.
#[derive(Debug)]
struct InProgress {
    calls: Calls,
    method: usize,
    code: usize,
}

impl InProgress {
    /// Takes the code from these headers or trailers, if it is there.
    fn read(&mut self, headers: &HeaderMap) {
        if let Some(status) = headers.get("grpc-status") {
            let number = status.to_str().ok().and_then(|text| text.parse().ok());
            self.code = number.filter(|code| *code < CODES.len()).unwrap_or(UNKNOWN);
        }
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        let method = &self.calls.0.methods[self.method];
        method.in_progress.fetch_sub(1, Relaxed);
        method.ended[self.code].fetch_add(1, Relaxed);
    }
}

/// Counts every call.
#[derive(Clone, Debug)]
pub(super) struct Counting(pub(super) Calls);

impl<S> Layer<S> for Counting {
    type Service = CountCalls<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CountCalls {
            inner,
            calls: self.0.clone(),
        }
    }
}

/// A service whose calls are counted.
#[derive(Clone, Debug)]
pub(super) struct CountCalls<S> {
    inner: S,
    calls: Calls,
}

impl<S, Q, A> Service<Request<Q>> for CountCalls<S>
where
    S: Service<Request<Q>, Response = Response<A>>,
    S::Future: Send + 'static,
{
    type Response = Response<CountedBody<A>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let mut call = self.calls.begin(request.uri().path());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            call.read(answer.headers());
            Ok(answer.map(|body| CountedBody { body, call }))
        })
    }
}

/// An answer's body whose trailers say how the call ended.
#[derive(Debug)]
pub(super) struct CountedBody<A> {
    body: A,
    call: InProgress,
}

impl<A: Body + Unpin> Body for CountedBody<A> {
    type Data = A::Data;
    type Error = A::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(trailers) = frame
            .as_ref()
            .and_then(|frame| frame.as_ref().ok()?.trailers_ref())
        {
            self.call.read(trailers);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
