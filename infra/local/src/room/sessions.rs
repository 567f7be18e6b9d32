//! Who is in the room, and who is on the way. In memory alone: after a restart everybody signs in again,
//! which a person who is signed in to the portal does not notice.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openidconnect::{Nonce, PkceCodeVerifier};

use super::{Place, notice::Notice, provider::SignedIn};
use crate::state::random;

/// How long a sign-in may take.
pub const PATIENCE: Duration = Duration::from_mins(10);
/// Most sign-ins under way: each page that is opened by a stranger begins one.
pub const MOST: usize = 1000;

/// A sign-in under way.
pub struct Departed {
    /// The browser, as its cookie has it: nobody else may come back.
    pub browser: String,
    /// The ID token must repeat it.
    pub nonce: Nonce,
    /// The token endpoint wants it.
    pub verifier: PkceCodeVerifier,
    /// Where the person wanted to go.
    pub place: Place,
}

/// A browser's session.
#[derive(Clone)]
pub struct Session {
    /// The person is in, as far as the room knows: the portal is asked at every page.
    pub signed_in: SignedIn,
    /// A notice said that it ended, or that a chart closed in it.
    pub noticed: bool,
    until: Instant,
}

/// All of them.
#[derive(Default)]
pub struct Sessions(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    departed: HashMap<String, (Instant, Departed)>,
    sessions: HashMap<String, Session>,
    /// The notices that were taken, each with the second after which it holds no longer.
    taken: HashMap<String, i64>,
}

/// Text that nobody guesses.
pub fn unguessable() -> String {
    URL_SAFE_NO_PAD.encode(random::<32>())
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a sign-in until its browser comes back with `state`.
    pub fn depart(&self, state: String, departed: Departed, now: Instant) {
        let all = &mut self.lock().departed;
        all.retain(|_, (since, _)| now.duration_since(*since) < PATIENCE);
        if all.len() >= MOST {
            let oldest = all.iter().min_by_key(|(_, (since, _))| *since);
            if let Some(oldest) = oldest.map(|(state, _)| state.clone()) {
                all.remove(&oldest);
            }
        }
        all.insert(state, (now, departed));
    }

    /// Takes a sign-in that this browser began. It is gone then, so that nothing comes back twice.
    pub fn come_back(&self, state: &str, browser: &str, now: Instant) -> Option<Departed> {
        let all = &mut self.lock().departed;
        let Entry::Occupied(entry) = all.entry(state.to_owned()) else { return None };
        // Of another browser it is left alone.
        if entry.get().1.browser != browser {
            return None;
        }
        let (since, departed) = entry.remove();
        (now.duration_since(since) < PATIENCE).then_some(departed)
    }

    /// Lets a person in, with a session of a new name.
    pub fn open(&self, signed_in: SignedIn) -> String {
        let now = Instant::now();
        let all = &mut self.lock().sessions;
        all.retain(|_, session| session.until > now);
        let id = unguessable();
        let until = now + signed_in.lives;
        all.insert(id.clone(), Session { signed_in, noticed: false, until });
        id
    }

    /// A browser's session.
    pub fn find(&self, id: &str) -> Option<Session> {
        let now = Instant::now();
        self.lock().sessions.get(id).filter(|session| session.until > now).cloned()
    }

    /// Forgets a browser's session.
    pub fn forget(&self, id: &str) -> Option<Session> {
        self.lock().sessions.remove(id)
    }

    /// Notes what a notice names. `false` when it was taken before.
    pub fn notice(&self, notice: &Notice, now: i64) -> bool {
        let mut inner = self.lock();
        inner.taken.retain(|_, until| *until >= now);
        if inner.taken.insert(notice.jti.clone(), notice.until).is_some() {
            return false;
        }
        let named = |wanted: Option<&String>, is: &String| wanted.is_none_or(|text| text == is);
        for session in inner.sessions.values_mut() {
            let SignedIn { sid, sub, .. } = &session.signed_in;
            session.noticed |= named(notice.sid.as_ref(), sid) && named(notice.sub.as_ref(), sub);
        }
        true
    }
}
