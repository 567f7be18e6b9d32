//! What a running function holds: its configuration, its table, its keys, and the two things that
//! make a program unpredictable, time and chance, which tests put their own in place of.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use aws_types::SdkConfig;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use ulid::Ulid;

use crate::{
    config::{self, Config},
    fields::At,
    problem::Problem,
    session::Keys,
    store::Store,
};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> At + Send + Sync>;
/// Fills a buffer with bytes nobody can guess.
pub type Entropy = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// The state that every handler of a function shares.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    config: Config,
    store: Store,
    keys: Keys,
    clock: Clock,
    entropy: Entropy,
    last: Mutex<Ulid>,
}

impl App {
    /// Puts an app together.
    ///
    /// # Errors
    /// When the keys in the configuration cannot be read.
    pub fn new(
        config: Config,
        dynamo: aws_sdk_dynamodb::Client,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let keys = Keys::read(&config)?;
        let store = Store::new(dynamo, &config.table, &config.history_table);
        Ok(Self(Arc::new(Inner { config, store, keys, clock, entropy, last: Mutex::default() })))
    }

    /// The app of a deployed function: configuration from the environment, the system's clock and
    /// randomness. The connection to the table is made while the secrets are fetched and the keys read.
    ///
    /// # Errors
    /// When the environment lacks something, a secret cannot be had or a key cannot be read.
    pub async fn from_env(
        sdk: &SdkConfig,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let dynamo = aws_sdk_dynamodb::Client::new(sdk);
        let (table, history) = config::tables()?;
        let store = Store::new(dynamo.clone(), &table, &history);
        // Whatever this answers (most functions may not read that item), the connection stands before
        // the first request comes.
        let connected = store.ping();
        let app = async {
            let config = Config::from_env(sdk).await?;
            Self::new(config, dynamo, system_clock(), system_entropy())
        };
        let (_, app) = futures::join!(connected, app);
        app
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The tables.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The keys of the session tokens.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> At {
        (self.0.clock)()
    }

    /// Bytes nobody can guess.
    #[must_use]
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0.entropy)(&mut bytes);
        bytes
    }

    /// A new ULID: 48 bits of time, 80 bits of chance. Within a millisecond each comes after the
    /// one before, so that what happened in one request reads in its order.
    #[must_use]
    pub fn ulid(&self) -> Ulid {
        let mut random = [0; 16];
        random[6..].copy_from_slice(&self.random::<10>());
        let fresh =
            Ulid::from_parts(self.now().millis().unsigned_abs(), u128::from_be_bytes(random));
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        let same = last.timestamp_ms() == fresh.timestamp_ms();
        let next = if same { last.increment().ok() } else { None };
        *last = next.unwrap_or(fresh);
        *last
    }

    /// HMAC-SHA-256 (RFC 2104) under the deployment's secret. `purpose` keeps one use's values
    /// from meaning anything in another.
    ///
    /// # Errors
    /// 500 in a function that was given no secret.
    pub fn hmac(&self, purpose: &str, parts: &[&[u8]]) -> Result<[u8; 32], Problem> {
        let secret = self.0.config.token_secret.as_ref();
        let key = secret.ok_or_else(|| Problem::internal("this function has no token secret"))?;
        let mut mac = Hmac::<Sha256>::new_from_slice(key.reveal().as_bytes())
            .map_err(|e| Problem::internal(e.to_string()))?;
        mac.update(purpose.as_bytes());
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Ok(mac.finalize().into_bytes().into())
    }
}

/// The system's clock.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        At::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    })
}

/// The system's randomness.
///
/// # Panics
/// The closure panics when the operating system has no randomness: nothing safe can go on then.
#[must_use]
#[expect(clippy::expect_used, reason = "without randomness no token is safe: stop")]
pub fn system_entropy() -> Entropy {
    Arc::new(|buffer| getrandom::fill(buffer).expect("the operating system's randomness"))
}
