//! Writes to the charts of an account what a clock has ended or narrowed: the history says it, and apps are told. It
//! decides nothing: what a person may do is judged whenever it is asked.

use shared::{
    Problem,
    account::Account,
    caller::Caller,
    chart::{Accounts, Chart, ChartEdit, Request},
    clock::Lapse,
    history::{Actor, Author},
    idempotency::Attempt,
    keys::{self, Key},
    practice::Practice,
    store::parse,
};

use crate::Sender;

impl Sender {
    /// Writes it, if there is something to write, and takes the word away.
    ///
    /// # Errors
    /// When it has to be tried again.
    pub async fn lapsed(&self, key: &Key) -> Result<(), Problem> {
        let (app, store) = (&self.app, self.app.store());
        let Some(lapse) = store.get::<Lapse>(key).await? else { return Ok(()) };
        if lapse.due > app.now() {
            // The stream tells of it when it is written.
            return Ok(());
        }
        let (account, practice) =
            (keys::account(&lapse.practice, &lapse.account), keys::practice(&lapse.practice));
        let mut items = store.get_many(&[account.clone(), practice.clone()]).await?;
        let account: Option<Account> = items.remove(&account).map(parse).transpose()?;
        let practice: Option<Practice> = items.remove(&practice).map(parse).transpose()?;
        if let Some((account, practice)) = account.zip(practice) {
            let caller = Caller { request_id: app.ulid().to_string(), source: String::new() };
            let author = Author { actor: Actor::system(), caller };
            let attempt = Attempt::default();
            let request = Request {
                practice: &practice,
                author: &author,
                attempt: &attempt,
                unchanged: None,
                silent: false,
            };
            for client in account.untold(&practice.clock(app.now())) {
                let chart = match Chart::load(store, &lapse.practice, client).await {
                    // Gone since.
                    Err(problem) if problem.code() == "not_found" => continue,
                    read => read?,
                };
                let tell = |edit: &mut ChartEdit<'_>| edit.tell_clocks(lapse.held_from);
                Box::pin(chart.change(app, &request, Accounts::new(), tell)).await?;
            }
        }
        let mut change = store.change();
        change.discard(key);
        Ok(store.write(change).await?)
    }
}
