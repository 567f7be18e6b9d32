//! Ten thousand invitations sent again by a worker that is killed while it does so.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use api_tests::mail::Post;
use send_mail::Sender;
use serde_json::{Value, json};
use shared::{
    bulk::STEP,
    keys::{self, Key},
};
use tokio::time::timeout;

use crate::{
    names::Dice,
    place::{DANA, Place},
};

/// People who are invited again.
pub const PEOPLE: usize = 10_000;
/// Clients among whom they are found: some are minors, some share an address.
const CLIENTS: usize = 13_000;
/// Most clients that one change names.
const NAMED: usize = 1000;
/// How often the worker is killed in the midst of a step, and as often in the midst of a mail.
pub const KILLS: usize = 20;
/// Seconds after which the lease of a mail ends whose worker was killed.
const LEASE: i64 = 61;

/// What became of them.
pub struct Resent {
    /// Rows of the job that were made.
    pub done: usize,
    /// Workers that were killed in the midst of a step.
    pub steps_killed: usize,
    /// Workers that were killed in the midst of a mail.
    pub mails_killed: usize,
    /// People who got no mail.
    pub none: usize,
    /// Mails that were written beyond one for each person.
    pub doubled: usize,
    /// Mails that the mail service took a second time.
    pub repeated: usize,
}

/// Invites them in a practice of its own, then all of them again.
pub async fn resent(folder: &Path) -> Resent {
    let place = Place::of(CLIENTS, folder).await;
    invite(&place).await;
    let staff = place.admitted(DANA).await;
    let prepared = ask(&place, "", json!({"action": "resend", "view": "invited"}), &staff).await;
    assert_eq!(prepared["willChange"], json!(PEOPLE), "{}", prepared["skipped"]);
    let job = format!("/{}", text(&prepared["bulkId"]));
    assert!(waiting(&place, keys::MAIL).await.is_empty(), "the invitations went out");
    ask(&place, &format!("{job}/start"), Value::Null, &staff).await;

    let post = Post::default();
    let (steps, mails) = (Killer::new(PEOPLE / STEP, 100_000), Killer::new(PEOPLE, 5000));
    let mut killers = Killers { steps, mails };
    work(&place, &post, Some(&mut killers)).await;

    let mut got: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let received = post.received();
    for mail in &received {
        got.entry(text(&mail.tags["portalUser"][0]))
            .or_default()
            .insert(text(&mail.tags["mail"][0]));
    }
    let written: usize = got.values().map(BTreeSet::len).sum();
    let staff = place.admitted(DANA).await;
    let shown = place.send(place.request("GET", &format!("/api/bulk{job}"), &staff, &Value::Null));
    let shown = shown.await.body;
    assert_eq!(shown["state"], "finished", "{shown}");
    let done = shown["done"].as_u64().and_then(|done| usize::try_from(done).ok());
    place.close();
    Resent {
        done: done.expect("a number"),
        steps_killed: killers.steps.killed,
        mails_killed: killers.mails.killed,
        none: PEOPLE.saturating_sub(got.len()),
        doubled: written - got.len(),
        repeated: received.len() - written,
    }
}

/// Invites so many of the practice's clients that have none.
async fn invite(place: &Place) {
    let mut staff = place.admitted(DANA).await;
    let (mut wanted, mut page) = (PEOPLE, json!({"view": "without-access", "limit": 100}));
    let mut named: Vec<Value> = Vec::new();
    while wanted > 0 {
        while named.len() < NAMED && !page["cursor"].is_null() || named.is_empty() {
            let answer = place.send(place.request("POST", "/api/access", &staff, &page)).await;
            let rows = answer.body["rows"].as_array().expect("rows");
            named.extend(rows.iter().map(|row| row["client"]["clientId"].clone()));
            page["cursor"] = answer.body["nextCursor"].clone();
        }
        let some: Vec<Value> = named.drain(..named.len().min(NAMED)).collect();
        let prepared = ask(place, "", json!({"action": "invite", "clientIds": some}), &staff).await;
        let rows = prepared["rows"].as_array().expect("rows");
        let good = rows.iter().filter(|row| row["skipped"].is_null());
        let good: Vec<_> = good.map(|row| &row["client"]["clientId"]).take(wanted).collect();
        wanted -= good.len();
        let job = ask(place, "", json!({"action": "invite", "clientIds": good}), &staff).await;
        ask(place, &format!("/{}/start", text(&job["bulkId"])), Value::Null, &staff).await;
        work(place, &Post::default(), None).await;
        staff = place.admitted(DANA).await;
    }
}

async fn ask(place: &Place, path: &str, body: Value, staff: &str) -> Value {
    let answer = place.send(place.request("POST", &format!("/api/bulk{path}"), staff, &body)).await;
    assert!(answer.status < 300, "{}", answer.body);
    answer.body
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Kills workers at some of so many turns, evenly over all of them.
struct Killer {
    turns: usize,
    of: usize,
    /// Microseconds within which one is killed, if it lives as long.
    within: usize,
    killed: usize,
}

impl Killer {
    fn new(of: usize, within: usize) -> Self {
        Self { turns: 0, of, within, killed: 0 }
    }

    /// How long the next worker lives; none that is spared.
    fn time(&mut self) -> Option<Duration> {
        self.turns += 1;
        let due = self.killed < KILLS && self.turns * KILLS >= self.killed * self.of;
        let time = Dice::of(self.turns).below(self.within);
        due.then(|| Duration::from_micros(time.try_into().unwrap_or_default()))
    }
}

/// Those who kill workers in the midst of a step, and of a mail.
struct Killers {
    steps: Killer,
    mails: Killer,
}

/// Has the worker do all that waits, until nothing does.
async fn work(place: &Place, post: &Post, mut killers: Option<&mut Killers>) {
    // As many rows a step as ever, and no pause after it.
    let sender = post.sender_of(&place.app, u32::MAX);
    loop {
        // Mails first: one that a killed step wrote goes out before another could replace it.
        let mut waiting_now = waiting(place, keys::MAIL).await;
        waiting_now.extend(waiting(place, keys::STEP).await);
        if waiting_now.is_empty() {
            return;
        }
        for key in &waiting_now {
            let step = key.sk.starts_with(keys::STEP);
            let mut killer = killers
                .as_mut()
                .map(|killers| if step { &mut killers.steps } else { &mut killers.mails });
            let time = killer.as_mut().and_then(|killer| killer.time());
            if outlives(&sender, key, step, time).await {
                continue;
            }
            if let Some(killer) = killer {
                killer.killed += 1;
            }
            place.pass(LEASE);
        }
    }
}

/// Has a worker see to one thing; whether it lived to the end.
async fn outlives(sender: &Sender, key: &Key, step: bool, time: Option<Duration>) -> bool {
    let work = async {
        let done = if step { sender.step(key).await } else { sender.send(key).await };
        assert!(done.is_ok(), "nothing is in the way");
    };
    let Some(time) = time else {
        work.await;
        return true;
    };
    timeout(time, work).await.is_ok()
}

/// What of one kind waits.
async fn waiting(place: &Place, kind: &str) -> Vec<Key> {
    let until = format!("{kind}~");
    let (mut found, mut from) = (Vec::new(), None);
    loop {
        let page = place.app.store().waiting(kind, &until, from).await.expect("what waits");
        found.extend(page.0);
        match page.1 {
            Some(last) => from = Some(last),
            None => return found,
        }
    }
}
