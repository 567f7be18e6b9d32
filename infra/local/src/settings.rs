//! What the environment may change about the local home. Nothing else here reads it.

use std::env;
use std::path::PathBuf;

use crate::Trouble;

/// The port when `PORT` says nothing.
pub const DEFAULT_PORT: u16 = 8600;

/// How this home is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `PORT`: where the home listens on the loopback addresses; 0 takes a free one.
    pub port: u16,
    /// `STATE_DIR`: the folder for everything it remembers.
    pub state_dir: PathBuf,
    /// `ROSTER`: a CSV file of clients to load into `harbor`.
    pub roster: Option<PathBuf>,
    /// `SITE_DIR`: the built site.
    pub site_dir: PathBuf,
}

impl Settings {
    /// Reads the environment. An empty variable counts as one that is not set.
    pub fn from_environment() -> Result<Self, Trouble> {
        let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        let port = match set("PORT") {
            None => DEFAULT_PORT,
            Some(value) => value.to_str().and_then(|text| text.parse().ok()).ok_or_else(|| {
                Trouble::new(format!(
                    "PORT must be a number from 0 to 65535, not {}",
                    value.display()
                ))
            })?,
        };
        Ok(Self {
            port,
            state_dir: set("STATE_DIR").map_or_else(|| ".latchkey".into(), PathBuf::from),
            roster: set("ROSTER").map(PathBuf::from),
            site_dir: set("SITE_DIR").map_or_else(default_site_dir, PathBuf::from),
        })
    }
}

/// `site/dist` of the checkout that the current folder is in, so that the program finds the site
/// from any folder of it.
fn default_site_dir() -> PathBuf {
    let here = env::current_dir().unwrap_or_default();
    here.ancestors()
        .find(|folder| folder.join("site/package.json").is_file())
        .unwrap_or(&here)
        .join("site/dist")
}
