//! Sends alerts. Who gets one is decided by the chart as it is now, in the transaction that opens the
//! addressee's quarter of an hour: a person who was revoked by then gets nothing, and the practice is
//! told instead. An alert is covered only by one that reached the same addressee: while that one is on its
//! way it waits, and if it told nobody, or somebody else, it goes itself.

use serde::de::IgnoredAny;
use shared::{
    Problem,
    alert::{Addressee, Alert, AlertState, Hush},
    chart::Chart,
    fields::{At, RecordNumber},
    id::PortalUserId,
    keys::{self, Key},
    letter::{Kind, Language, Letter, Link, Rendered, render},
    mail::{About, MailState},
    mail_budget::{Budgets, Spending},
    outbox::GIVEN_UP,
    practice::Practice,
    store::{Update, both},
};

use super::{
    Failure, Leased, Sender,
    gate::{Mailbox, Passage, Wish},
};

impl Leased for Alert {
    fn is_done(&self) -> bool {
        self.done_at.is_some()
    }
}

/// What becomes of an alert.
enum Turn {
    /// Another one said the same a moment ago.
    Covered(Addressee),
    /// It goes to a mailbox.
    Goes(Going),
}

struct Going {
    to: Addressee,
    mailbox: Mailbox,
    /// The number of the chart as it is now.
    record: RecordNumber,
    /// The language that the person chose, if one was.
    language: Option<Language>,
}

impl Sender {
    /// Sends one alert, unless it is done or another has just said the same.
    ///
    /// # Errors
    /// When it has to be tried again.
    pub async fn alert(&self, key: &Key) -> Result<(), Problem> {
        let Some((practice, client)) = keys::parse_chart(&key.pk) else { return Ok(()) };
        let store = self.app.store();
        let read = both(Chart::load(store, &practice, client), Practice::load(store, &practice));
        let read = async { Ok(read.await) };
        let (lease, read) = both(self.lease::<Alert>(key), Box::pin(read)).await?;
        let Some((alert, until)) = lease else { return Ok(()) };
        let attempt = async {
            let (chart, practice) = read?;
            self.attempt_alert(&alert, until, chart, &practice).await
        };
        let outcome = match Box::pin(attempt).await {
            Err(_) if alert.at.plus(GIVEN_UP) <= self.app.now() => {
                self.count(false);
                let to = alert.went.unwrap_or(Addressee::Practice);
                Ok(self.alert_done(&alert, AlertState::Bounced, to).await?)
            }
            outcome => outcome,
        };
        self.settle(key, until, outcome).await
    }

    async fn attempt_alert(
        &self,
        alert: &Alert,
        until: At,
        mut chart: Chart,
        practice: &Practice,
    ) -> Result<(), Failure> {
        if let (Some(to), AlertState::Delivered | AlertState::Complained) =
            (alert.went, alert.state)
        {
            // The answer to the attempt before was lost, and it went out.
            return Ok(self.alert_done(alert, alert.state, to).await?);
        }
        let mut refused = match alert.state {
            AlertState::Bounced => alert.went.and_then(Addressee::user),
            _ => alert.refused,
        };
        loop {
            let going = match self.turn(alert, until, chart, practice, refused).await? {
                Turn::Covered(to) => {
                    return Ok(self.alert_done(alert, AlertState::Covered, to).await?);
                }
                Turn::Goes(going) => going,
            };
            let letter = self.letter(alert, practice, &going)?;
            let tags = [
                ("practice", alert.practice.to_string()),
                ("client", alert.client_id.to_string()),
                ("alert", alert.alert_id.to_string()),
                ("to", going.to.to_string()),
            ];
            let state = match self.post(&going.mailbox, practice, &letter, &tags).await {
                Ok((MailState::Sent, _)) => AlertState::Sent,
                Ok(_) => {
                    self.count(false);
                    if let Some(user) = going.to.user() {
                        // The mail service never takes it to that address: the practice hears of it.
                        refused = Some(user);
                        let store = self.app.store();
                        chart = Chart::load(store, &alert.practice, alert.client_id).await?;
                        continue;
                    }
                    AlertState::Bounced
                }
                Err(failure) => return Err(self.failed(failure)),
            };
            if state == AlertState::Sent {
                self.count(true);
            }
            if state == AlertState::Sent && self.came_back(alert, going.to).await? {
                // The practice is told next.
                return Ok(());
            }
            return self.alert_done(alert, state, going.to).await.map_err(Failure::Unknown);
        }
    }

    fn letter(
        &self,
        alert: &Alert,
        practice: &Practice,
        going: &Going,
    ) -> Result<Rendered, Problem> {
        let page = format!("{}/clients/{}", self.app.config().staff_origin, alert.client_id);
        let (kind, link, record_number) = match going.to {
            Addressee::PortalUser(_) => (Kind::Alert, &practice.portal_address, None),
            Addressee::Practice => (Kind::Inbox, &page, Some(going.record.as_str())),
        };
        Ok(render(&Letter {
            kind,
            practice_name: &practice.name,
            // An alert says nothing but that there is something.
            person_name: "",
            username: None,
            record_number,
            link: Link::new(link).map_err(|e| Problem::internal(e.to_string()))?,
            expires: None,
            language: going.language.unwrap_or_else(|| Language::from_tag(&practice.language)),
        }))
    }

    /// Decides who gets an alert, but not one whom the mail service refused or whose address is not safe; opens their quarter of an
    /// hour and spends the budget of their address, all in one write, on the condition that the chart is
    /// as it was read. What changed meanwhile is decided afresh.
    async fn turn(
        &self,
        alert: &Alert,
        until: At,
        mut chart: Chart,
        practice: &Practice,
        refused: Option<PortalUserId>,
    ) -> Result<Turn, Problem> {
        let store = self.app.store();
        let mut retries = store.retries();
        let mut budgets = Budgets::default();
        let mut withheld = None;
        loop {
            let to = match alert.addressee(&chart, &practice.clock(self.app.now())) {
                Addressee::PortalUser(user) if [refused, withheld].contains(&Some(user)) => {
                    Addressee::Practice
                }
                to => to,
            };
            let key = keys::hush(&alert.practice, alert.client_id, to);
            let hush: Option<Hush> = store.get(&key).await?;
            let now = self.app.now();
            if let Some(other) = hush.as_ref().filter(|hush| hush.covers(alert.alert_id, now)) {
                let key = keys::alert(&alert.practice, alert.client_id, other.alert);
                let other: Option<Alert> = store.get(&key).await?;
                match other.filter(|other| other.went == Some(to)) {
                    Some(other) if other.told() => return Ok(Turn::Covered(to)),
                    // One that came back waits for the practice's turn, which says nothing to this addressee.
                    Some(other) if other.done_at.is_none() && other.state == AlertState::Queued => {
                        return Err(Problem::unavailable(
                            "an alert that says the same is under way",
                        ));
                    }
                    _ => {}
                }
            }
            let mut change = store.change();
            let rev = hush.map_or(0, |hush| hush.rev);
            change.replace(&key, &Hush::opened_by(alert.alert_id, now), rev);
            let ours = Update::of(alert.key()).when("leasedUntil", "=", &until);
            // What became of an attempt before is not what becomes of this one.
            let ours = ours.set("went", &to).set("state", &AlertState::Queued);
            change.update(&match refused {
                Some(user) => ours.set("refused", &user),
                None => ours,
            });
            change.unchanged(&keys::client(&alert.practice, alert.client_id), chart.client.rev);
            let mut spending = Spending::new(&self.app, &alert.practice);
            let (mailbox, language) = match to.user() {
                None => (Mailbox::inbox(practice), None),
                Some(id) => {
                    let user = chart.user(id)?;
                    let email = user.email.as_ref();
                    let email = email.ok_or_else(|| Problem::internal("an alert to no address"))?;
                    let wish = Wish {
                        about: About::Access,
                        practice: &alert.practice,
                        client: &chart.client,
                        user,
                        account: None,
                        to: email,
                    };
                    let Passage::Open(mailbox) = self.pass(wish).await? else {
                        withheld = to.user();
                        continue;
                    };
                    let key = keys::portal_user(&alert.practice, alert.client_id, id);
                    change.unchanged(&key, user.rev);
                    // A second attempt was counted with the first.
                    if alert.went != Some(to) {
                        spending.of_alert(email)?;
                    }
                    (mailbox, user.language)
                }
            };
            let spent = match spending.write(&mut change, &budgets) {
                Ok(spent) => spent,
                Err(problem) if problem.code() == "mail_budget_spent" => {
                    withheld = to.user();
                    continue;
                }
                Err(problem) => return Err(problem),
            };
            let Err(error) = store.write(change).await else {
                let record = chart.client.record_number;
                return Ok(Turn::Goes(Going { to, mailbox, record, language }));
            };
            let failed = retries.retry(error).await?;
            let read = Chart::load(store, &alert.practice, alert.client_id);
            (chart, budgets) = both(read, spent.read_failed(store, &failed)).await?;
        }
    }

    /// Whether the mail that just went to a person has come back already: then the alert is not done with.
    async fn came_back(&self, alert: &Alert, to: Addressee) -> Result<bool, Failure> {
        if to.user().is_none() {
            return Ok(false);
        }
        let again = Update::of(alert.key())
            .when("state", "=", &AlertState::Bounced)
            .set("went", &to)
            .unset("leasedUntil");
        let back = self.app.store().update::<IgnoredAny>(again).await;
        Ok(back.map_err(Failure::Unknown)?.is_some())
    }

    /// Marks an alert as done with.
    async fn alert_done(
        &self,
        alert: &Alert,
        state: AlertState,
        to: Addressee,
    ) -> Result<(), Problem> {
        let done = Update::of(alert.key())
            .set("doneAt", &self.app.now())
            .set("went", &to)
            .unset("pending")
            .unset("leasedUntil");
        let told = done.clone().when("state", "=", &AlertState::Queued).set("state", &state);
        let store = self.app.store();
        if store.update::<Alert>(told).await?.is_none() {
            // The mail service was faster to tell what became of it.
            store.update::<Alert>(done).await?;
        }
        Ok(())
    }
}
