//! The wire between the functions and their table: it counts requests, and does to them what
//! networks and tables do. What lies behind it can be kept and put back.

use std::{
    collections::{BTreeMap, VecDeque},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
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
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use futures::task::AtomicWaker;
use serde_json::Value;
use shared::store::{Item, item_key, parse};
use tokio::sync::oneshot;

use crate::World;

tokio::task_local! {
    /// The operation in whose name a request is made: see [`Operations`].
    static MARK: usize;
}

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
    /// The bytes of each request since then, and of its answer.
    sizes: Vec<(usize, usize)>,
    /// What happens to requests to come: the operation, how many of its requests pass first, what
    /// happens then, and to how many.
    faults: Vec<(String, usize, Fault, usize)>,
    /// When held, requests wait here to be let through, in order of arrival.
    held: Option<VecDeque<Held>>,
    /// Whether only requests of [`Operations`] are held.
    marked_only: bool,
    /// Requests let through whose answer has not come back whole.
    under_way: usize,
}

/// A request that waits.
#[derive(Debug)]
pub struct Held {
    /// Its operation.
    pub operation: String,
    /// Which of the [`Operations`] makes it.
    pub mark: Option<usize>,
    /// What it asks for, as JSON.
    pub body: Vec<u8>,
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
        state.sizes.clear();
        state.faults.clear();
    }

    /// The operations since the last [`Wire::forget`].
    #[must_use]
    pub fn seen(&self) -> Vec<String> {
        self.state().seen.clone()
    }

    /// The bytes of each request since the last [`Wire::forget`], and of its answer, in the order in
    /// which they were answered.
    #[must_use]
    pub fn sizes(&self) -> Vec<(usize, usize)> {
        self.state().sizes.clone()
    }

    /// Lets `pass` requests of an operation pass, then does this to the next `times`.
    pub fn break_after(&self, operation: &str, pass: usize, fault: Fault, times: usize) {
        self.state().faults.push((operation.to_owned(), pass, fault, times));
    }

    /// Holds requests from now on.
    pub fn hold(&self) {
        let mut state = self.state();
        (state.held, state.marked_only) = (Some(VecDeque::new()), false);
    }

    /// Holds the requests of [`Operations`] from now on; all others pass.
    pub fn hold_marked(&self) {
        let mut state = self.state();
        (state.held, state.marked_only) = (Some(VecDeque::new()), true);
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

    /// Waits for the next transaction that writes, and takes it. What comes before it passes.
    pub async fn write(&self) -> Held {
        loop {
            tokio::task::yield_now().await;
            match self.take(0) {
                Some(held) if held.operation == "TransactWriteItems" => return held,
                Some(read) => read.release(),
                None => {}
            }
        }
    }

    /// What each waiting request is: `look` is given them in order of arrival.
    pub fn look<T>(&self, look: impl FnMut(&Held) -> T) -> Vec<T> {
        self.state().held.iter().flatten().map(look).collect()
    }

    fn quiet(&self) -> bool {
        self.state().under_way == 0
    }

    fn arrive(
        &self,
        operation: &str,
        body: &[u8],
    ) -> (Option<oneshot::Receiver<()>>, Option<Fault>) {
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
        let mark = MARK.try_with(|mark| *mark).ok();
        let marked_only = state.marked_only;
        let held = state.held.as_mut().filter(|_| mark.is_some() || !marked_only);
        let wait = held.map(|held| {
            let (go, wait) = oneshot::channel();
            let (operation, body) = (operation.to_owned(), body.to_vec());
            held.push_back(Held { operation, mark, body, go });
            wait
        });
        (wait, now)
    }
}

/// A request is under way for as long as this lives.
struct UnderWay(Wire);

impl UnderWay {
    fn new(wire: &Wire) -> Self {
        wire.state().under_way += 1;
        Self(wire.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.state().under_way -= 1;
    }
}

/// Operations under way side by side, driven by hand, each as far as the wire lets it come: so
/// that a test decides in which order their requests reach the table, and no clock has a say.
/// Meant for a runtime of one thread.
pub struct Operations<'a, T> {
    wire: Wire,
    running: Vec<Running<'a, T>>,
}

struct Running<'a, T> {
    future: Option<Pin<Box<dyn Future<Output = T> + 'a>>>,
    answer: Option<T>,
    bell: Arc<Bell>,
}

/// Notes that an operation can go on, and wakes whoever drives it.
#[derive(Default)]
struct Bell {
    rung: AtomicBool,
    driver: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::SeqCst);
        self.driver.wake();
    }
}

impl<'a, T> Operations<'a, T> {
    /// Nothing under way, on this wire.
    #[must_use]
    pub fn on(wire: &Wire) -> Self {
        Self { wire: wire.clone(), running: Vec::new() }
    }

    /// One more; it starts with the next [`Operations::settle`]. Its requests bear its position.
    pub fn add(&mut self, operation: impl Future<Output = T> + 'a) {
        let marked = MARK.scope(self.running.len(), operation);
        let bell = Arc::new(Bell::default());
        bell.rung.store(true, Ordering::SeqCst);
        self.running.push(Running { future: Some(Box::pin(marked)), answer: None, bell });
    }

    /// Drives all of them until each is done or waits on the wire, and nothing is under way.
    ///
    /// # Panics
    /// When one waits for something else.
    pub async fn settle(&mut self) {
        std::future::poll_fn(|cx| self.turn(cx)).await;
        let waiting = self.wire.look(|held| held.mark);
        for (position, running) in self.running.iter().enumerate() {
            let held = waiting.contains(&Some(position));
            assert!(running.future.is_none() || held, "operation {position} waits off the wire");
        }
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut moved = false;
        for running in &mut self.running {
            let Some(future) = &mut running.future else { continue };
            running.bell.driver.register(cx.waker());
            if running.bell.rung.swap(false, Ordering::SeqCst) {
                moved = true;
                let waker = Waker::from(running.bell.clone());
                if let Poll::Ready(answer) = future.as_mut().poll(&mut Context::from_waker(&waker))
                {
                    (running.future, running.answer) = (None, Some(answer));
                }
            }
        }
        if !moved && self.wire.quiet() {
            return Poll::Ready(());
        }
        if moved {
            // Others on this thread get their turn before the next look.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// The answer of one, once it is done.
    #[must_use]
    pub fn answer(&self, position: usize) -> Option<&T> {
        self.running.get(position)?.answer.as_ref()
    }
}

/// What both tables hold.
#[derive(Debug, Clone)]
pub struct Snapshot(BTreeMap<(String, String, String), Item>);

impl Snapshot {
    /// The items of a table, as JSON, by partition key and sort key.
    ///
    /// # Panics
    /// When an item is no JSON.
    #[must_use]
    pub fn items(&self, table: &str) -> BTreeMap<(String, String), Value> {
        let of = self.0.iter().filter(|(key, _)| key.0 == table);
        of.map(|(key, item)| {
            ((key.1.clone(), key.2.clone()), parse(item.clone()).expect("an item"))
        })
        .collect()
    }

    /// What a query may meet that is answered while the one state gives way to the other: this one,
    /// but the items with that sort key, if there are any, as they are in `other`.
    #[must_use]
    pub fn mixed(&self, other: &Self, sk: &str) -> Self {
        let mut items = self.0.clone();
        items.retain(|key, _| key.2 != sk);
        items
            .extend(other.0.iter().filter(|(k, _)| k.2 == sk).map(|(k, v)| (k.clone(), v.clone())));
        Self(items)
    }

    /// How many items are new in a table, of those whose sort key begins with `prefix`.
    #[must_use]
    pub fn new_since(&self, before: &Self, table: &str, prefix: &str) -> usize {
        let of = |key: &&(String, String, String)| key.0 == table && key.2.starts_with(prefix);
        self.0.keys().filter(of).filter(|key| !before.0.contains_key(*key)).count()
    }
}

impl World {
    /// Keeps what both tables hold.
    ///
    /// # Panics
    /// When they cannot be read.
    pub async fn snapshot(&self) -> Snapshot {
        let mut items = BTreeMap::new();
        let tables = self.database.tables();
        for table in [&tables.main, &tables.history] {
            for item in self.read(table).await {
                let key = item_key(&item).expect("a key");
                items.insert((table.clone(), key.pk, key.sk), item);
            }
        }
        Snapshot(items)
    }

    /// Puts both tables back from what they hold `now` to what they held `before`, past the wire.
    ///
    /// # Panics
    /// When they cannot be written.
    pub async fn put_back(&self, now: &Snapshot, before: &Snapshot) {
        for table in [&self.database.tables().main, &self.database.tables().history] {
            let changed = |(key, item): &(&(String, String, String), &Item)| {
                key.0 == *table && now.0.get(*key) != Some(*item)
            };
            let changed = before.0.iter().filter(changed).map(|(_, item)| item.clone());
            let new = now.0.keys().filter(|key| key.0 == *table && !before.0.contains_key(*key));
            let changed: Vec<_> = changed.collect();
            let new: Vec<_> = new.map(|key| (key.1.clone(), key.2.clone())).collect();
            let (database, table) = (self.database.clone(), table.clone());
            let written = tokio::task::spawn_blocking(move || {
                database.load(&table, changed).expect("loaded");
                database.remove(&table, new).expect("removed");
            });
            written.await.expect("put back");
        }
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
        let (wait, fault) =
            self.wire.arrive(&operation, request.body().bytes().unwrap_or_default());
        let (inner, wire) = (self.inner.clone(), self.wire.clone());
        HttpConnectorFuture::new(async move {
            if let Some(wait) = wait {
                // A wire that is gone holds nothing.
                let _ = wait.await;
            }
            let _under_way = UnderWay::new(&wire);
            match fault {
                None => {
                    let sent = request.body().bytes().map_or(0, <[u8]>::len);
                    let answer = whole(inner.call(request).await?).await?;
                    let got = answer.body().bytes().map_or(0, <[u8]>::len);
                    wire.state().sizes.push((sent, got));
                    Ok(answer)
                }
                Some(Fault::Throttled) => Ok(refusal(
                    400,
                    r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}"#,
                )),
                Some(Fault::Conflict) if operation != "TransactWriteItems" => Ok(refusal(
                    400,
                    r#"{"__type":"com.amazonaws.dynamodb.v20120810#TransactionConflictException","message":"conflict"}"#,
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
                    whole(inner.call(request).await?).await?;
                    Err(ConnectorError::timeout("lost".into()))
                }
            }
        })
    }
}

/// The answer with all of its body, so that nothing of it is left on the wire.
async fn whole(mut response: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let body = ByteStream::new(response.take_body()).collect().await;
    let bytes = body.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
    *response.body_mut() = SdkBody::from(bytes);
    Ok(response)
}

fn refusal(status: u16, body: &'static str) -> HttpResponse {
    let status = StatusCode::try_from(status).unwrap_or_else(|_| unreachable!("a status"));
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}
