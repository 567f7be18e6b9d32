//! Serves a router on a listener, with limits on the time that a client may take.
//!
//! `axum::serve` has none: a client that sends half of its headers, or a byte of its body now and
//! then, keeps its connection for ever. Here a request's headers must be there after [`HEADERS`],
//! and its body after [`BODY`]; a connection on which nothing is asked ends after [`HEADERS`] too.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::ConnectInfo;
use http::Request;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Sleep;
use tower::ServiceExt;

/// How long the headers of a request may take.
pub const HEADERS: Duration = Duration::from_secs(10);
/// How long the body of a request may take, from the end of its headers.
pub const BODY: Duration = Duration::from_secs(10);
/// The wait after a connection that could not be accepted, as when there are too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop`, then closes the listener and the idle connections, and lets the requests
/// under way finish. Handlers find the client's address as `ConnectInfo<SocketAddr>`.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let (tell, told) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => {
                    connections.spawn(connection(stream, client, router.clone(), told.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection cannot be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            },
            // Nothing is kept of a connection that has ended.
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    // Fails only when there is no connection to tell.
    let _ = tell.send(true);
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: TcpStream,
    client: SocketAddr,
    router: Router,
    mut told: watch::Receiver<bool>,
) {
    // Only costs speed when it fails.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(|body| Body::new(Timed::new(body)));
        request.extensions_mut().insert(ConnectInfo(client));
        let answer = router.clone().oneshot(request);
        async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = std::pin::pin!(served);
    let stopped = async {
        // An error means that the listener is gone, which is a stop too.
        let _ = told.wait_for(|stop| *stop).await;
    };
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = stopped => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// A body that must be there in time.
struct Timed {
    body: Incoming,
    end: Pin<Box<Sleep>>,
}

impl Timed {
    fn new(body: Incoming) -> Self {
        Self { body, end: Box::pin(tokio::time::sleep(BODY)) }
    }
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)));
        }
        self.end.as_mut().poll(cx).map(|()| Some(Err(io::ErrorKind::TimedOut.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
