//! What leads from an e-mail address to the accounts with it: written with every account, and gone with
//! it.

use std::collections::BTreeSet;

use api_tests::{
    World,
    people::{Invited, Staff},
};
use serde_json::{Value, json};
use shared::{
    account,
    fields::Email,
    history::Role,
    id::{AccountKey, PracticeId},
    keys::{self, Key},
};

/// The entries that lead to accounts. There is one for each account and no other: under its address,
/// to its key.
async fn entries(world: &World) -> BTreeSet<String> {
    let items = world.items().await;
    let name = |key: &Key| format!("{} {}", key.pk, key.sk);
    let mut expected = BTreeSet::new();
    for (key, item) in &items {
        let Some(pk) = key.strip_suffix(" ACCOUNT") else { continue };
        let item: Value = serde_json::from_str(item).expect("JSON");
        let (practice, account) = pk[2..].split_once("#A#").expect("an account");
        let practice = PracticeId::parse(practice).expect("a practice");
        let account: AccountKey = serde_json::from_value(json!(account)).expect("a key");
        let email = Email::parse(item["email"].as_str().expect("text")).expect("an address");
        let address = account::address_key(&world.app, &practice, &email).expect("a key");
        expected.insert(name(&keys::address(&practice, &address, &account)));
    }
    let entries: BTreeSet<String> = items.keys().filter(|k| k.contains("#E#")).cloned().collect();
    assert_eq!(entries, expected);
    entries
}

async fn edit(staff: &Staff, who: &Invited, change: &[(&str, &str)]) {
    let mut body = json!({"version": staff.user(who).await["version"]});
    for (member, value) in change {
        body[*member] = json!(value);
    }
    staff.patch(&who.path(), &body).await.expect(200);
}

#[tokio::test]
async fn an_address_leads_to_its_account_from_the_first_invitation_to_the_last_deletion() {
    let world = World::new().await;
    let dana = world.dana().await;
    let mut charts = Vec::new();
    for first in ["Wren", "Silas"] {
        let client = dana.client(first, "Okafor", "1984-03-12").await;
        charts.push(dana.invite(&client, "holly@mail.example").await);
        assert_eq!(entries(&world).await.len(), 1);
        dana.resend(&charts[charts.len() - 1]).await.expect(202);
    }
    world.deliver().await;
    let token = world.post.newest("holly@mail.example").token();
    world.enroll(&token, "Okafor", "1984-03-12", "seven quiet kettles hum").await.expect(201);
    for who in &charts {
        dana.revoke(who).await.expect(200);
        dana.activate(who).await.expect(200);
    }
    let before = entries(&world).await;
    assert_eq!(before.len(), 1);
    dana.delete(&charts[0], "confirm=delete").await.expect(200);
    assert_eq!(entries(&world).await, before);
    dana.delete(&charts[1], "confirm=delete").await.expect(200);
    assert!(entries(&world).await.is_empty());
}

#[tokio::test]
async fn a_changed_address_or_sign_in_name_leads_on_and_the_old_one_nowhere() {
    for (enrolled, charts) in [(false, 1), (false, 2), (true, 1), (true, 2)] {
        let world = World::new().await;
        let dana = world.dana().await;
        let mut all = Vec::new();
        for n in 0..charts {
            let client = dana.client(&format!("Child {n}"), "Okafor", "1984-03-12").await;
            all.push(if enrolled {
                dana.enroll_for(&client, "holly@mail.example").await
            } else {
                dana.invite(&client, "holly@mail.example").await
            });
        }
        let mut before = entries(&world).await;
        assert_eq!(before.len(), 1);
        let scenes: [&[(&str, &str)]; 4] = [
            &[("email", "holly.marsh@mail.example")],
            &[("username", "holly.marsh")],
            &[("email", "marsh@mail.example")],
            &[("email", "marsh.family@mail.example"), ("username", "marsh.family")],
        ];
        for (who, change) in all.iter().cycle().zip(scenes) {
            edit(&dana, who, change).await;
            let now = entries(&world).await;
            assert_eq!(now.len(), 1, "{change:?}");
            assert!(now.is_disjoint(&before), "{change:?}");
            before = now;
        }
        // Case is no other address, and another spelling no other sign-in name.
        edit(&dana, &all[0], &[("email", "Marsh.Family@mail.example")]).await;
        edit(&dana, &all[0], &[("username", "Marsh.Family")]).await;
        assert_eq!(entries(&world).await, before);
    }
}

#[tokio::test]
async fn an_address_leads_to_each_account_with_it_and_to_none_of_another_practice() {
    let world = World::new().await;
    let dana = world.dana().await;
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    let client = dana.client("Wren", "Okafor", "1984-03-12").await;
    for username in ["holly", "henry"] {
        let body = json!({
            "name": {"first": username, "last": "Marsh"}, "email": "marsh@mail.example",
            "username": username, "relationship": "parent", "permissions": ["basic"],
        });
        dana.post(&format!("/api/clients/{client}/portal-users"), &body).await.expect(201);
    }
    let elsewhere = casey.client("Wren", "Okafor", "1984-03-12").await;
    casey.add(&elsewhere, "marsh@mail.example").await.expect(201);
    let entries = entries(&world).await;
    let addresses: BTreeSet<&str> = entries.iter().filter_map(|e| e.split(' ').next()).collect();
    assert_eq!((entries.len(), addresses.len()), (3, 2));
    assert!(!entries.iter().any(|entry| entry.contains("marsh")));
}
