//! The wire between the functions and their table: it counts requests, and does to them what
//! networks and tables do.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpClient, SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use tokio::sync::oneshot;

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The table is over its throughput; nothing was done.
    Throttled,
    /// Another transaction is in the way; nothing was done.
    Conflict,
    /// The table fails; nothing was done.
    Error,
    /// The connection is lost before the request arrives.
    LostRequest,
    /// The request is carried out, and the answer is lost.
    LostAnswer,
}

/// The wire. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Wire(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Operations since the last [`Wire::forget`], in order.
    seen: Vec<String>,
    /// What happens to requests to come: the operation, how many of its requests pass first, what
    /// happens then, and to how many.
    faults: Vec<(String, usize, Fault, usize)>,
    /// When held, requests wait here to be let through, in order of arrival.
    held: Option<VecDeque<Held>>,
}

/// A request that waits.
#[derive(Debug)]
pub struct Held {
    /// Its operation.
    pub operation: String,
    go: oneshot::Sender<()>,
}

impl Held {
    /// Lets it through.
    pub fn release(self) {
        // Whoever sent it may have given up meanwhile.
        let _ = self.go.send(());
    }
}

impl Wire {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The SDK's end of it.
    #[must_use]
    pub fn client(&self) -> SharedHttpClient {
        let inner = Builder::new().build_http();
        SharedHttpClient::new(Client { wire: self.clone(), inner })
    }

    /// Forgets what was seen and what was to go wrong.
    pub fn forget(&self) {
        let mut state = self.state();
        state.seen.clear();
        state.faults.clear();
    }

    /// The operations since the last [`Wire::forget`].
    #[must_use]
    pub fn seen(&self) -> Vec<String> {
        self.state().seen.clone()
    }

    /// Lets `pass` requests of an operation pass, then does this to the next `times`.
    pub fn break_after(&self, operation: &str, pass: usize, fault: Fault, times: usize) {
        self.state().faults.push((operation.to_owned(), pass, fault, times));
    }

    /// Holds requests from now on.
    pub fn hold(&self) {
        self.state().held = Some(VecDeque::new());
    }

    /// Lets all requests through that wait, and holds none any more.
    pub fn let_go(&self) {
        for held in self.state().held.take().unwrap_or_default() {
            held.release();
        }
    }

    /// The requests that wait, in order of arrival.
    #[must_use]
    pub fn waiting(&self) -> Vec<String> {
        self.state().held.iter().flatten().map(|h| h.operation.clone()).collect()
    }

    /// Takes the waiting request at a position.
    #[must_use]
    pub fn take(&self, position: usize) -> Option<Held> {
        self.state().held.as_mut()?.remove(position)
    }

    fn arrive(&self, operation: &str) -> (Option<oneshot::Receiver<()>>, Option<Fault>) {
        let mut state = self.state();
        state.seen.push(operation.to_owned());
        let mut now = None;
        for (of, pass, fault, times) in &mut state.faults {
            if of != operation || *times == 0 {
                continue;
            }
            if *pass > 0 {
                *pass -= 1;
                continue;
            }
            *times -= 1;
            now = Some(*fault);
            break;
        }
        let wait = state.held.as_mut().map(|held| {
            let (go, wait) = oneshot::channel();
            held.push_back(Held { operation: operation.to_owned(), go });
            wait
        });
        (wait, now)
    }
}

#[derive(Debug)]
struct Client {
    wire: Wire,
    inner: SharedHttpClient,
}

impl HttpClient for Client {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { wire: self.wire.clone(), inner })
    }
}

#[derive(Debug)]
struct Connector {
    wire: Wire,
    inner: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let (wait, fault) = self.wire.arrive(&operation);
        let inner = self.inner.clone();
        HttpConnectorFuture::new(async move {
            if let Some(wait) = wait {
                // A wire that is gone holds nothing.
                let _ = wait.await;
            }
            match fault {
                None => inner.call(request).await,
                Some(Fault::Throttled) => Ok(refusal(
                    400,
                    r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}"#,
                )),
                Some(Fault::Conflict) => Ok(refusal(
                    400,
                    r#"{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","message":"Transaction cancelled","CancellationReasons":[{"Code":"TransactionConflict","Message":"conflict"}]}"#,
                )),
                Some(Fault::Error) => Ok(refusal(
                    500,
                    r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"broken"}"#,
                )),
                Some(Fault::LostRequest) => Err(ConnectorError::timeout("lost".into())),
                Some(Fault::LostAnswer) => {
                    inner.call(request).await?;
                    Err(ConnectorError::timeout("lost".into()))
                }
            }
        })
    }
}

fn refusal(status: u16, body: &'static str) -> HttpResponse {
    let status = StatusCode::try_from(status).unwrap_or_else(|_| unreachable!("a status"));
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}
