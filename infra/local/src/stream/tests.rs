use std::sync::Mutex;

use super::*;
use crate::database::tests::{put, tables};
use crate::state::TestFolder;

struct Bench {
    folder: TestFolder,
    database: Database,
    /// The sort keys of each batch.
    seen: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Bench {
    fn new() -> Self {
        let folder = TestFolder::new();
        let database = Database::open(&folder.0.join("latchkey.db"), tables()).unwrap();
        Self { folder, database, seen: Arc::default() }
    }

    /// A pump whose function answers with `answer(sort keys)`: the sort keys that failed.
    async fn pump<F>(&self, answer: F) -> Pump
    where
        F: Fn(&[String]) -> Result<Vec<String>, BoxError> + Send + Sync + 'static,
    {
        self.pump_of("stream.json", &["MAIL#", "ASK#"], answer).await
    }

    async fn pump_of<F>(&self, file: &str, streamed: &'static [&'static str], answer: F) -> Pump
    where
        F: Fn(&[String]) -> Result<Vec<String>, BoxError> + Send + Sync + 'static,
    {
        let seen = self.seen.clone();
        let handler: Handler = Arc::new(move |event| {
            let sort_key = |record: &EventRecord| {
                let record = serde_json::to_value(record).unwrap();
                record["dynamodb"]["Keys"]["SK"]["S"].as_str().unwrap().to_owned()
            };
            let keys: Vec<String> = event.records.iter().map(sort_key).collect();
            seen.lock().unwrap().push(keys.clone());
            let answer = answer(&keys).map(|failed| {
                let named = event.records.iter().zip(&keys).filter(|(_, key)| failed.contains(key));
                failures(named.filter_map(|(record, _)| record.change.sequence_number.as_deref()))
            });
            Box::pin(async move { answer })
        });
        let file = self.folder.0.join(file);
        Pump::open(self.database.clone(), file, streamed, handler).await.unwrap()
    }

    fn put(&self, sort_keys: &[&str]) {
        for sort_key in sort_keys {
            put(&self.database, "P", sort_key);
        }
    }

    fn seen(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

fn failures<'a>(names: impl IntoIterator<Item = &'a str>) -> DynamoDbEventResponse {
    let failures: Vec<_> = names.into_iter().map(|name| json!({"itemIdentifier": name})).collect();
    serde_json::from_value(json!({"batchItemFailures": failures})).unwrap()
}

async fn due(pump: &mut Pump) {
    for waiting in pump.waiting.values_mut() {
        waiting.due = Instant::now();
    }
    pump.turn().await.unwrap();
}

#[tokio::test]
async fn hands_over_what_is_wanted_in_order_and_nothing_else() {
    let bench = Bench::new();
    bench.put(&["MAIL#1", "A#CLIENT", "ASK#1", "MAIL#2", "MAIL#1", "MAILBOX", "ASKED"]);
    let mut pump = bench.pump(|_| Ok(vec![])).await;
    pump.turn().await.unwrap();
    pump.turn().await.unwrap();
    assert_eq!(bench.seen(), [["MAIL#1", "ASK#1", "MAIL#2"]]);
}

#[tokio::test]
async fn what_one_reader_has_passed_stays_for_the_others() {
    let bench = Bench::new();
    let mut mails = bench.pump(|_| Ok(vec![])).await;
    let mut notices = bench.pump_of("notices.json", &["NOTICE#"], |_| Ok(vec![])).await;
    // One is busy while the other reads on and keeps its place.
    bench.put(&["MAIL#1", "NOTICE#1", "MAIL#2"]);
    notices.turn().await.unwrap();
    mails.turn().await.unwrap();
    assert_eq!(bench.seen(), [vec!["NOTICE#1"], vec!["MAIL#1", "MAIL#2"]]);
    // Also when they start anew.
    bench.put(&["MAIL#3", "NOTICE#2"]);
    drop((mails, notices));
    let mut mails = bench.pump(|_| Ok(vec![])).await;
    let mut notices = bench.pump_of("notices.json", &["NOTICE#"], |_| Ok(vec![])).await;
    notices.turn().await.unwrap();
    mails.turn().await.unwrap();
    assert_eq!(bench.seen(), [["NOTICE#2"], ["MAIL#3"]]);
}

#[tokio::test]
async fn a_restart_goes_on_where_it_stopped() {
    let bench = Bench::new();
    bench.put(&["MAIL#1"]);
    bench.pump(|_| Ok(vec![])).await.turn().await.unwrap();
    bench.put(&["MAIL#2", "MAIL#3"]);
    bench.pump(|_| Ok(vec![])).await.turn().await.unwrap();
    bench.pump(|_| Ok(vec![])).await.turn().await.unwrap();
    assert_eq!(bench.seen(), [vec!["MAIL#1"], vec!["MAIL#2", "MAIL#3"]]);
}

#[tokio::test]
async fn what_failed_is_given_again_alone_while_newer_mail_goes_on() {
    let bench = Bench::new();
    bench.put(&["MAIL#1", "MAIL#2", "MAIL#3"]);
    let mut pump =
        bench.pump(|keys| Ok(keys.iter().filter(|key| *key == "MAIL#2").cloned().collect())).await;
    pump.turn().await.unwrap();
    bench.put(&["MAIL#4"]);
    due(&mut pump).await;
    assert_eq!(
        bench.seen(),
        [vec!["MAIL#1", "MAIL#2", "MAIL#3"], vec!["MAIL#2"], vec!["MAIL#3"], vec!["MAIL#4"]]
    );
    assert_eq!(pump.waiting.len(), 1);

    // Only what failed comes again after a restart.
    drop(pump);
    let mut pump = bench.pump(|_| Ok(vec![])).await;
    pump.turn().await.unwrap();
    assert_eq!(bench.seen(), [["MAIL#2"]]);
    assert!(pump.waiting.is_empty());
    bench.pump(|_| Ok(vec![])).await.turn().await.unwrap();
    assert!(bench.seen().is_empty());
}

#[tokio::test]
async fn an_error_a_panic_and_an_unknown_name_fail_the_whole_batch() {
    let bench = Bench::new();
    bench.put(&["MAIL#1", "MAIL#2"]);
    let mut pump = bench.pump(|_| Err("no connection".into())).await;
    pump.turn().await.unwrap();
    assert_eq!(pump.waiting.len(), 2);
    drop(pump);

    let mut pump = bench.pump(|_| Ok(vec![])).await;
    pump.handler = Arc::new(|_| Box::pin(async { panic!("a mistake in the function") }));
    pump.turn().await.unwrap();
    assert_eq!(pump.waiting.len(), 2);

    pump.handler = Arc::new(|_| Box::pin(async { Ok(failures(["7"])) }));
    due(&mut pump).await;
    assert_eq!(pump.waiting.len(), 2);
}

#[tokio::test]
async fn handled_records_leave_the_database_and_failed_ones_stay() {
    let bench = Bench::new();
    bench.put(&["A", "MAIL#1", "B", "MAIL#2", "C", "D"]);
    let mut pump = bench.pump(|keys| Ok(keys.to_vec())).await;
    pump.turn().await.unwrap();
    assert_eq!(bench.database.records_after(0, 10).unwrap().len(), 5);
    pump.handler = Arc::new(|_| Box::pin(async { Ok(DynamoDbEventResponse::default()) }));
    due(&mut pump).await;
    assert_eq!(bench.database.records_after(0, 10).unwrap().len(), 1);
}

#[tokio::test]
async fn mail_behind_many_other_records_is_reached_at_once_and_not_passed() {
    let bench = Bench::new();
    let others: Vec<String> = (0..3 * BATCH).map(|n| format!("OTHER#{n}")).collect();
    bench.put(&others.iter().map(String::as_str).collect::<Vec<_>>());
    bench.put(&["MAIL#1"]);
    bench.put(&others.iter().map(String::as_str).collect::<Vec<_>>());
    let mut pump = bench.pump(|_| Ok(vec![])).await;
    assert!(pump.turn().await.unwrap());
    pump.turn().await.unwrap();
    assert_eq!(bench.seen(), [["MAIL#1"]]);
    while pump.turn().await.unwrap() {}
    bench.put(&["MAIL#2"]);
    pump.turn().await.unwrap();
    assert_eq!(bench.seen(), [["MAIL#2"]]);
}
