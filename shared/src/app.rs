//! The state of a running function: configuration, tables, token keys and its [`Context`].

use std::{ops::Deref, sync::Arc};

use aws_types::SdkConfig;

use crate::{
    config::{self, Config},
    context::{Clock, Context, Entropy, system_clock, system_entropy},
    jwt::Keys,
    store::Store,
};

/// The state that every handler of a function shares. It dereferences to its [`Context`].
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    config: Config,
    store: Store,
    keys: Keys,
    context: Context,
}

impl Deref for App {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.0.context
    }
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
        let context = Context::new(clock, entropy, config.token_secret.clone());
        Ok(Self(Arc::new(Inner { config, store, keys, context })))
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
        // Only the connection counts: most functions may not read that item.
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
}
