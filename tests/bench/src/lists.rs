//! Pages of the practice's lists, timed.

use std::time::Instant;

use serde_json::{Value, json};

use crate::{
    names,
    place::Place,
    searches::{Search, TIMES},
};

/// Pages that are turned before one in the middle of a list is measured.
const TURNED: usize = 4;

/// Asks for pages of lists. Nobody but the crowd is in them, of whom nobody has a portal user.
pub async fn all(place: &Place, staff: &str) -> Vec<Search> {
    let someone = names::person(500);
    let first = json!({"view": "without-access", "limit": 100});
    let mut middle = first.clone();
    for _ in 0..TURNED {
        let request = place.request("POST", "/api/access", staff, &middle);
        middle["cursor"] = place.send(request).await.body["nextCursor"].clone();
    }
    let everybody = json!({"view": "all", "limit": 100});
    let by_words = json!({"view": "without-access", "query": someone.last, "limit": 100});
    let of_professional = json!({
        "view": "without-access", "professional": names::PROFESSIONAL, "limit": 100,
    });
    let pages = [
        ("clients without access, the first page", "POST", "/api/access", first),
        ("clients without access, a page in the middle", "POST", "/api/access", middle),
        ("everybody with access", "POST", "/api/access", everybody),
        ("clients without access of one professional", "POST", "/api/access", of_professional),
        ("clients without access, by a surname", "POST", "/api/access", by_words),
        ("how many stand in each list", "GET", "/api/access/summary", Value::Null),
    ];
    let mut measured = Vec::new();
    for (kind, method, path, body) in pages {
        let request = || place.request(method, path, staff, &body);
        let (answer, cost) = place.measure(request()).await;
        assert_eq!(answer.status, 200, "{kind}: {}", answer.body);
        let rows = answer.body["rows"].as_array().or(answer.body["views"].as_array());
        let hits = rows.map_or(0, Vec::len);
        let mut times = Vec::new();
        for _ in 0..TIMES {
            let began = Instant::now();
            place.send(request()).await;
            times.push(began.elapsed());
        }
        times.sort_unstable();
        measured.push(Search { kind, hits, cost, times });
    }
    measured
}
