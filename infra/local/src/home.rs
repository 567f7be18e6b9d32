//! The home itself: opens everything in its order, serves it, and closes it again.
//!
//! [`Home::open`] makes what the functions need (tables, addresses, keys); the caller builds the
//! functions with it and hands them to [`Home::run`].

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::database::{Database, Endpoint, Tables};
use crate::guard::{self, AccessKey};
use crate::issuer::{self, Issuer};
use crate::mail::MailStore;
use crate::room::{self, Room};
use crate::ses::{self, Ses};
use crate::settings::Settings;
use crate::site::{self, Practice};
use crate::state::StateDir;
use crate::stream::{self, Pump};
use crate::{Trouble, headers, listener, mailbox, page};

/// Where apps find out how to ask, the one path of the API outside `/api`.
const METADATA: &str = "/.well-known/openid-configuration";
/// The icon of every page.
const ICON: &str = "/icon.svg";
/// The path at which staff come back from the issuer.
const CALLBACK: &str = "/api/staff/callback";
/// How often expired items are deleted. The functions check expiry themselves; this saves space.
const SWEEP_EVERY: Duration = Duration::from_mins(15);
/// How long requests in flight may take once the home is told to stop.
const LAST_REQUESTS: Duration = Duration::from_secs(10);

/// The parts of Latchkey that the home runs.
pub struct Functions {
    /// Everything under `/api`, fallbacks included.
    pub api: Router,
    /// The functions behind the main table's stream.
    pub streamed: Vec<Streamed>,
    /// The function behind SES's events.
    pub on_mail_event: ses::Sink,
    /// The people of the staff lists, whom the issuer signs in.
    pub people: issuer::People,
}

/// A function behind the main table's stream.
pub struct Streamed {
    /// The file that keeps how far it has come.
    pub file: &'static str,
    /// The beginnings of the sort keys of the items whose insertion it is told.
    pub begin: &'static [&'static str],
    /// The function.
    pub handler: stream::Handler,
}

/// An open home.
pub struct Home {
    settings: Settings,
    state: StateDir,
    listeners: Vec<TcpListener>,
    port: u16,
    key: AccessKey,
    database: Database,
    dynamodb: Endpoint,
    mails: MailStore,
    ses: Ses,
    ses_url: String,
    ses_listener: TcpListener,
    issuer: Issuer,
}

impl Home {
    /// Takes the state folder and the port, opens the database and makes the tables.
    pub async fn open(settings: Settings, tables: Tables) -> Result<Self, Trouble> {
        let state = StateDir::open(&settings.state_dir)?;
        let (listeners, port) = listen(settings.port).await?;
        let database = Database::open(&state.database("latchkey.db")?, tables)?;
        let key = AccessKey::new();
        let dynamodb = database.serve(&key)?;
        let mails = MailStore::open(&state.database("mail.db")?)?;
        let ses = Ses::new(mails.clone());
        let no_endpoint = |error: std::io::Error| {
            Trouble::new(format!("cannot serve the mail endpoint: {error}"))
        };
        let ses_listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(no_endpoint)?;
        let ses_url = format!("http://{}", ses_listener.local_addr().map_err(no_endpoint)?);
        let origin = format!("http://localhost:{port}");
        let issuer = Issuer::open(&state, &origin, &format!("{origin}{CALLBACK}"))?;
        Ok(Self {
            settings,
            state,
            listeners,
            port,
            key,
            database,
            dynamodb,
            mails,
            ses,
            ses_url,
            ses_listener,
            issuer,
        })
    }

    /// How it was set up.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Its folder, for further keys and secrets.
    #[must_use]
    pub fn state(&self) -> &StateDir {
        &self.state
    }

    /// Its database, for a first load.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The staff site's origin.
    #[must_use]
    pub fn staff_origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// The portal's origin.
    #[must_use]
    pub fn portal_origin(&self) -> String {
        format!("http://portal.localhost:{}", self.port)
    }

    /// The sample room's origin.
    #[must_use]
    pub fn room_origin(&self) -> String {
        format!("http://{}:{}", room::HOST, self.port)
    }

    /// The one access key that its table and its mail service take, made at this start.
    #[must_use]
    pub fn access_key(&self) -> &AccessKey {
        &self.key
    }

    /// The endpoint for the AWS SDK's `DynamoDB` client. It is served already.
    #[must_use]
    pub fn dynamodb_url(&self) -> &str {
        &self.dynamodb.url
    }

    /// The endpoint for the AWS SDK's SES v2 client. It is served once the home runs.
    #[must_use]
    pub fn ses_url(&self) -> &str {
        &self.ses_url
    }

    /// The staff's issuer. It is served once the home runs.
    #[must_use]
    pub fn issuer_url(&self) -> &str {
        self.issuer.url()
    }

    /// Serves until Ctrl-C or SIGTERM, then lets what is running finish. The site's sign-in pages
    /// offer `practices`; `room` has a host of its own. `ready` is called once requests are answered.
    pub async fn run(
        self,
        functions: Functions,
        practices: &[Practice],
        room: &Room,
        ready: impl FnOnce(),
    ) -> Result<(), Trouble> {
        let (tell, told) = watch::channel(false);
        let mut requests = JoinSet::new();
        let mut rest = JoinSet::new();

        let mut pumps = Vec::new();
        for Streamed { file, begin, handler } in functions.streamed {
            let pump =
                Pump::open(self.database.clone(), self.state.file(file), begin, handler).await;
            pumps.push(
                pump.map_err(|error| {
                    Trouble::new(format!("cannot go on with the stream: {error}"))
                })?,
            );
        }

        let site = site::routes(self.settings.site_dir.clone(), practices);
        let issuer = self.issuer.routes(functions.people);
        let app = front(functions.api, site, room, issuer, self.mails);
        for listener in self.listeners {
            requests.spawn(listener::serve(listener, app.clone(), stopped(told.clone())));
        }
        let (tell_rest, told_rest) = watch::channel(false);
        let ses = self.ses_listener.local_addr().map(|address| {
            let router = guard::functions_only(self.ses.router(), address, self.key);
            listener::serve(self.ses_listener, router, stopped(told_rest))
        });
        rest.spawn(
            ses.map_err(|error| Trouble::new(format!("cannot serve the mail endpoint: {error}")))?,
        );
        for pump in pumps {
            rest.spawn(pump.run(told.clone()));
        }
        rest.spawn(self.ses.publish(functions.on_mail_event, told.clone()));
        let sweeping = tokio::spawn(sweep(self.database.clone()));

        ready();
        stop_signal().await?;
        tracing::info!("stopping");
        // Nobody listens any more only if everything has stopped already.
        let _ = tell.send(true);
        let finish = async { while requests.join_next().await.is_some() {} };
        if tokio::time::timeout(LAST_REQUESTS, finish).await.is_err() {
            tracing::warn!("gave up waiting for the last requests");
        }
        sweeping.abort();
        // The functions behind the stream and the events need SES until they have finished.
        let finish = async {
            while rest.len() > 1 && rest.join_next().await.is_some() {}
            let _ = tell_rest.send(true);
            while rest.join_next().await.is_some() {}
        };
        if tokio::time::timeout(LAST_REQUESTS, finish).await.is_err() {
            tracing::warn!("gave up waiting for mail to be sent");
        }
        let dynamodb = self.dynamodb;
        let closing = tokio::task::spawn_blocking(move || dynamodb.stop());
        if tokio::time::timeout(LAST_REQUESTS, closing).await.is_err() {
            tracing::warn!("gave up waiting for the database");
        }
        Ok(())
    }
}

/// All that is served on the home's port.
fn front(api: Router, site: Router, room: &Room, issuer: Router, mails: MailStore) -> Router {
    let room = room.routes();
    // By hand rather than as a route: the API has a fallback of its own, and a route's wildcard
    // would count among the path parameters of its handlers.
    let either = move |request: Request| async move {
        let path = request.uri().path();
        let of_api = path == "/api" || path.starts_with("/api/") || path == METADATA;
        let router = if of_api { api } else { site };
        router.oneshot(request).await
    };
    let home = Router::new()
        .merge(issuer)
        .merge(mailbox::routes(mails))
        .merge(page::routes())
        .fallback(either);
    let by_host = move |request: Request| async move {
        let of_room = headers::host(request.headers()).as_deref() == Some(room::HOST);
        // Nothing of the home is to be had at the room's host but the icon.
        let router = if of_room && request.uri().path() != ICON { room } else { home };
        router.oneshot(request).await
    };
    Router::new().fallback(by_host).layer(from_fn(headers::front))
}

/// Listens on both loopback addresses, or on the IPv4 one where there is no IPv6.
async fn listen(port: u16) -> Result<(Vec<TcpListener>, u16), Trouble> {
    let bind = async |address: IpAddr, port: u16| {
        TcpListener::bind((address, port)).await.map_err(|error| {
            let line = match error.kind() {
                ErrorKind::AddrInUse => {
                    format!("port {port} is taken; stop what uses it, or set PORT to another one")
                }
                _ => format!("cannot listen on port {port}: {error}"),
            };
            (error.kind(), Trouble::new(line))
        })
    };
    let first = bind(Ipv4Addr::LOCALHOST.into(), port).await.map_err(|(_, trouble)| trouble)?;
    let port = first
        .local_addr()
        .map_err(|error| Trouble::new(format!("cannot listen on port {port}: {error}")))?
        .port();
    let mut listeners = vec![first];
    match bind(Ipv6Addr::LOCALHOST.into(), port).await {
        Ok(second) => listeners.push(second),
        Err((ErrorKind::AddrInUse, trouble)) => return Err(trouble),
        Err(_) => tracing::info!("no IPv6 here"),
    }
    Ok((listeners, port))
}

async fn stopped(mut told: watch::Receiver<bool>) {
    // An error means that the home is gone, which is a stop too.
    let _ = told.wait_for(|stop| *stop).await;
}

async fn stop_signal() -> Result<(), Trouble> {
    let deaf = |error| Trouble::new(format!("cannot listen for signals: {error}"));
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).map_err(deaf)?;
        let mut hang_up = signal(SignalKind::hangup()).map_err(deaf)?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted.map_err(deaf),
            _ = terminate.recv() => Ok(()),
            _ = hang_up.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map_err(deaf)
}

async fn sweep(database: Database) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        let database = database.clone();
        match tokio::task::spawn_blocking(move || database.sweep()).await {
            Ok(Ok(deleted)) => tracing::debug!(deleted, "expired items deleted"),
            Ok(Err(error)) => tracing::warn!(%error, "expired items cannot be deleted"),
            Err(error) => tracing::warn!(%error, "the sweep broke"),
        }
    }
}
