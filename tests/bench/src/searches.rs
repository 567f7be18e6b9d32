//! Searches as staff type them, timed.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    names,
    place::{Cost, Place},
};

/// How often each is made.
pub const TIMES: usize = 60;

/// What a search took.
pub struct Search {
    /// What kind of query.
    pub kind: &'static str,
    /// How many clients were on its page.
    pub hits: usize,
    /// What it asked of the table.
    pub cost: Cost,
    /// How long each took, the shortest first.
    pub times: Vec<Duration>,
}

/// Makes all searches. What is looked for is a client who is there, whatever the size.
pub async fn all(place: &Place, staff: &str) -> Vec<Search> {
    let someone = names::person(500);
    let digits: String = someone.phone.chars().filter(char::is_ascii_digit).collect();
    let (first, last) = (someone.first.to_lowercase(), someone.last.to_lowercase());
    let start = |text: &str, letters: usize| text.chars().take(letters).collect::<String>();
    let slip = |text: &str| {
        // The third letter is left out.
        let letters = text.chars().enumerate().filter(|(at, _)| *at != 2);
        letters.map(|(_, c)| c).collect::<String>()
    };
    let common = "smith";
    let queries = [
        ("two letters, common", "ma".to_owned()),
        ("two letters, rare", "ye".to_owned()),
        ("surname, the most common", common.to_owned()),
        ("surname", last.clone()),
        ("first name, the most common", "james".to_owned()),
        ("two words, both common", format!("james {common}")),
        ("two words, begun", format!("{} {}", start(&last, 3), start(&first, 3))),
        ("two words that nobody has", "zebedee qvist".to_owned()),
        ("date of birth", someone.born.clone()),
        ("last four digits", digits[digits.len() - 4..].to_owned()),
        ("phone", someone.phone.clone()),
        ("record number", someone.record.clone()),
        ("e-mail, begun", someone.email.chars().take(12).collect()),
        ("e-mail host", "letters.exam".to_owned()),
        ("surname with a slip", slip("henderson")),
        ("the most common surname with a slip", "smiht".to_owned()),
        ("two words, one with a slip", format!("{} {first}", slip(&last))),
    ];
    let mut searches = Vec::new();
    for (kind, query) in queries {
        let body = json!({"query": query});
        let request = || place.request("POST", "/api/clients/search", staff, &body);
        let (answer, cost) = place.measure(request()).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        let hits = answer.body["clients"].as_array().map_or(0, Vec::len);
        let mut times = Vec::new();
        for _ in 0..TIMES {
            let began = Instant::now();
            place.send(request()).await;
            times.push(began.elapsed());
        }
        times.sort_unstable();
        searches.push(Search { kind, hits, cost, times });
    }
    searches
}

/// The time that so many in a hundred stay below.
pub fn percentile(times: &[Duration], hundredths: usize) -> Duration {
    let at = (times.len() * hundredths).div_ceil(100).saturating_sub(1);
    times.get(at).copied().unwrap_or_default()
}
