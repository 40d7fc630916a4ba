//! Each call's deadline: its caller's (`grpc-timeout`) or the server's, whichever is sooner; of a
//! stream that has begun, its caller's alone. The transport's own timer answers CANCELLED, which
//! says that the caller gave up, and knows nothing of streams; a deadline that passed is
//! DEADLINE_EXCEEDED.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::{HeaderMap, Request, Response, header};
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};
use tower::{Layer, Service};

use super::status::deadline_passed;

/// Gives every call a deadline: its answer, or a stream's beginning, takes at most this long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(pub(super) Duration);

impl<S> Layer<S> for Deadline {
    type Service = WithDeadline<S>;

    fn layer(&self, inner: S) -> Self::Service {
        WithDeadline {
            inner,
            most: self.0,
        }
    }
}

/// A service whose calls end at their deadline.
#[derive(Clone, Debug)]
pub(super) struct WithDeadline<S> {
    inner: S,
    most: Duration,
}

impl<S, Q, A> Service<Request<Q>> for WithDeadline<S>
where
    S: Service<Request<Q>, Response = Response<A>>,
    S::Future: Send + 'static,
    S::Error: Send,
    A: Default + Send,
{
    type Response = Response<Timed<A>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let asked = asked(request.headers());
        let within = asked.map_or(self.most, |asked| asked.min(self.most));
        let until = asked.and_then(|asked| Instant::now().checked_add(asked));
        let answer = tokio::time::timeout(within, self.inner.call(request));
        Box::pin(async move {
            let answer = answer.await;
            let answer = answer.unwrap_or_else(|_| Ok(deadline_passed().into_http()))?;
            Ok(answer.map(|body| Timed {
                body: Some(body),
                until: until.map(|until| Box::pin(tokio::time::sleep_until(until))),
            }))
        })
    }
}

/// An answer's body that ends at the caller's deadline.
#[derive(Debug)]
pub(super) struct Timed<A> {
    /// Dropped at the deadline, and with it what it holds.
    body: Option<A>,
    until: Option<Pin<Box<Sleep>>>,
}

impl<A: Body + Unpin> Body for Timed<A> {
    type Data = A::Data;
    type Error = A::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else {
            return Poll::Ready(None);
        };
        let until = this.until.as_mut();
        // First: a stream that always has more ends at its deadline too.
        if until.is_some_and(|until| until.as_mut().poll(context).is_ready()) {
            this.body = None;
            let mut trailers = deadline_passed().into_http::<()>().into_parts().0.headers;
            trailers.remove(header::CONTENT_TYPE);
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        Pin::new(body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Some(body) if self.until.is_none() => body.size_hint(),
            _ => SizeHint::default(),
        }
    }
}

/// The caller's deadline: at most 8 digits and a unit (gRPC over HTTP/2, "Timeout"). One that is
/// written wrongly is taken as none, and the server's own holds.
fn asked(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::poll_fn;

    use bytes::Bytes;

    use tower::{ServiceExt, service_fn};

    use super::*;

    #[tokio::test]
    async fn a_call_that_outlives_its_deadline_ends_with_deadline_exceeded() {
        let never = service_fn(|_: Request<()>| {
            std::future::pending::<Result<Response<String>, Infallible>>()
        });
        let request = Request::builder()
            .header("grpc-timeout", "5m")
            .body(())
            .unwrap();
        let patient = Deadline(Duration::from_secs(3600)).layer(never);
        let answer = patient.oneshot(request).await.unwrap();
        assert_eq!(answer.headers()["grpc-status"], "4");
        // Without a deadline of the caller's own, the server's holds.
        let strict = Deadline(Duration::from_millis(5)).layer(never);
        let answer = strict.oneshot(Request::new(())).await.unwrap();
        assert_eq!(answer.headers()["grpc-status"], "4");
    }

    /// A stream that has begun and says no more.
    #[derive(Default)]
    struct Silent;

    impl Body for Silent {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_at_its_caller_s_deadline_and_at_no_other() {
        let begun =
            service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(Silent)) });
        let door = Deadline(Duration::from_secs(10)).layer(begun);
        let next = |mut body: Timed<Silent>| async move {
            poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await
        };
        let patient = door
            .clone()
            .oneshot(Request::new(()))
            .await
            .unwrap()
            .into_body();
        let waited = tokio::time::timeout(Duration::from_secs(86_400), next(patient)).await;
        assert!(waited.is_err(), "still open after a day");
        let request = Request::builder().header("grpc-timeout", "60S");
        let answer = door.oneshot(request.body(()).unwrap()).await.unwrap();
        let begun = Instant::now();
        let last = next(answer.into_body()).await.unwrap().unwrap();
        assert_eq!(begun.elapsed().as_secs(), 60);
        assert_eq!(last.into_trailers().unwrap()["grpc-status"], "4");
    }

    #[test]
    fn a_timeout_is_digits_and_a_unit() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", value.parse().unwrap());
            asked(&headers)
        };
        assert_eq!(read("1H"), Some(Duration::from_secs(3600)));
        assert_eq!(read("2M"), Some(Duration::from_secs(120)));
        assert_eq!(read("3S"), Some(Duration::from_secs(3)));
        assert_eq!(read("99999999m"), Some(Duration::from_millis(99_999_999)));
        assert_eq!(read("5u"), Some(Duration::from_micros(5)));
        assert_eq!(read("0n"), Some(Duration::ZERO));
        for wrong in [
            "",
            "S",
            "-1S",
            "+1S",
            "1",
            "1s",
            "123456789S",
            "1.5S",
            "1 S",
        ] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
        assert_eq!(asked(&HeaderMap::new()), None);
    }
}
