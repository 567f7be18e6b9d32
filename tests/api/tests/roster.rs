//! Rosters: what loading a file of clients makes of its rows. How a file is read is tested beside
//! `infra/local/src/roster.rs`.

use std::fs;

use api_tests::{World, people::text};
use latchkey_local::{
    load::{self, Loaded},
    roster::COLUMNS,
};
use serde_json::json;
use shared::{id::PracticeId, practice::Practice};

/// Loads rows into harbor.
async fn load(world: &World, rows: &str) -> Result<Loaded, String> {
    let path = std::env::temp_dir().join(format!("latchkey-roster-{}.csv", world.app.ulid()));
    fs::write(&path, format!("{}\n{rows}", COLUMNS.join(","))).expect("written");
    let id = PracticeId::parse("harbor").expect("a practice");
    let harbor = Practice::load(world.app.store(), &id).await.expect("the practice");
    let loaded = load::roster(&world.app, &harbor, &path).await.map_err(|t| t.to_string());
    fs::remove_file(&path).expect("removed");
    loaded
}

#[tokio::test]
async fn a_held_number_with_another_name_or_birth_date_is_a_wrong_row() {
    let world = World::new().await;
    let dana = world.dana().await;
    let rows = "12-1,Ann,Lee,,1984-03-12,,,,,,,\n1-21,Bo,Ray,,1990-01-01,,,,,,,\n";
    let first = load(&world, rows).await.expect("loaded");
    assert_eq!(first, Loaded { new: 2, ..Loaded::default() });
    let again = load(&world, rows).await.expect("loaded");
    assert_eq!(again, Loaded { known: 2, ..Loaded::default() });
    let rows = "12/1,ann,LEE,,1984-03-12,,,,,,,\n\
                1 21,Cy,Ray,,1990-01-01,,,,,,,\n\
                HC/7,Di,Fox,,1990-01-01,,,,,,,\n";
    let mixed = load(&world, rows).await.expect("loaded");
    assert_eq!(mixed, Loaded { new: 1, known: 1, wrong: 1, ..Loaded::default() });
    let other = load(&world, "hc-7,Di,Fox,,1990-01-02,,,,,,,\n").await.expect("loaded");
    assert_eq!(other, Loaded { wrong: 1, ..Loaded::default() });
    let found = dana.post("/api/clients/search", &json!({"query": "ray"})).await.expect(200);
    assert_eq!(text(&found["clients"][0]["name"]["first"]), "Bo");
}

#[tokio::test]
async fn a_row_that_may_be_somebody_who_is_there_is_named_and_left_out() {
    let world = World::new().await;
    let dana = world.dana().await;
    dana.client("M\u{fc}ller", "Jane", "1984-03-12").await;
    let rows = "1,Jane,Mueller,,1984-03-12,,,,,,,\n\
                2,Jane,Mueller,,1984-03-13,,,,,,,\n\
                3,Jane,MULLER,,1984-03-13,,,,,,,\n\
                4,Robert,Osprey,Bob,1990-01-01,,,,,,,\n\
                5,Bob,Osprey,,1990-01-01,,,,,,,\n\
                6,Ann,Osprey,,1990-01-01,,,,,,,\n";
    let expected = Loaded { new: 3, alike: 3, ..Loaded::default() };
    assert_eq!(load(&world, rows).await.expect("loaded"), expected);
    let again = Loaded { known: 3, alike: 3, ..Loaded::default() };
    assert_eq!(load(&world, rows).await.expect("loaded"), again);
    // The number of somebody with a like name is not that person's.
    let spelt = load(&world, "4,Robbert,Osprey,Bob,1990-01-01,,,,,,,\n").await.expect("loaded");
    assert_eq!(spelt, Loaded { wrong: 1, ..Loaded::default() });
}

#[tokio::test]
async fn a_wrong_optional_field_costs_the_field_and_not_the_client() {
    let world = World::new().await;
    let dana = world.dana().await;
    let rows = ",,,,,,,,,,,\n\
                1,Ann,Lee,,1984-03-12,N/A,-,none,,,,\n\
                2,Bo,Ray,,1990-01-01,.200@mail.example,ext. 4,,G,H,g@mail.example,cousin\n";
    let loaded = load(&world, rows).await.expect("loaded");
    assert_eq!(loaded, Loaded { new: 2, left_out: 3, ..Loaded::default() });
    let found = dana.post("/api/clients/search", &json!({"query": "ray"})).await.expect(200);
    let client = &found["clients"][0];
    assert_eq!(client["portal"]["users"], 0);
    assert!(client.get("email").is_none() && client.get("phone").is_none());
}

#[tokio::test]
async fn a_file_with_a_wrong_needed_field_loads_nothing_and_names_the_line() {
    let world = World::new().await;
    let before = world.items().await;
    let rows = "1,Ann,Lee,,1984-03-12,,,,,,,\n\n2,Bo,Ray,,30/02/1990,,,,,,,\n";
    let told = load(&world, rows).await.expect_err("a mistake");
    assert!(told.contains("line 4: date_of_birth: is wrong"), "{told}");
    assert_eq!(world.items().await, before);
}
