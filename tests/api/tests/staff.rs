//! The staff list: who changes it, that an admin is always left, and that whatever it says is felt at the
//! next request (rule 19), in every order of the requests.

use api_tests::{
    Answer, Call, World,
    people::{Staff, text},
    wire::Operations,
};
use serde_json::{Value, json};
use shared::{caller::Caller, history::Role};
use staff_sign_in::Identity;

const COOKIE: &str = "__Host-latchkey-staff";

/// What the issuer says of who comes back with a verified address.
fn identity(subject: &str, email: &str) -> Identity {
    Identity {
        issuer: "https://issuer.example".into(),
        subject: subject.into(),
        name: "As the issuer calls them".into(),
        email: email.into(),
        email_verified: true,
    }
}

/// Signs in with an address; answers the session's cookie.
async fn sign_in(world: &World, subject: &str, email: &str) -> Option<String> {
    let caller = Caller { request_id: "request".into(), source: "203.0.113.7".into() };
    let admitted = staff_sign_in::admit(&world.app, &caller, &identity(subject, email)).await;
    let cookie = admitted.expect("an answer")?;
    let cookie = cookie.to_str().expect("text").split(';').next().expect("a pair");
    Some(cookie.to_owned())
}

fn new(name: &str, role: &str) -> Value {
    let email = format!("{}@harbor.example", name.to_lowercase());
    json!({"name": name, "email": email, "role": role})
}

async fn list(admin: &Staff) -> Vec<Value> {
    let list = admin.get("/api/staff").await.expect(200);
    list["staff"].as_array().expect("a list").clone()
}

fn path(who: &Value) -> String {
    format!("/api/staff/{}", text(&who["staffId"]))
}

async fn remove(admin: &Staff, path: &str) -> Answer {
    admin.send(Call::new("DELETE", path)).await
}

async fn session(world: &World, cookie: &str) -> Answer {
    world.send(Call::new("GET", "/api/staff/session").cookie(cookie)).await
}

/// The newest event of an action.
async fn event(world: &World, action: &str) -> Value {
    let events = world.events().await.into_values();
    let mut events = events.map(|event| serde_json::from_str::<Value>(&event).expect("JSON"));
    events.rfind(|event| event["action"] == action).expect("an event")
}

// ---- The list ----

#[tokio::test]
async fn a_person_is_added_signs_in_is_edited_and_removed() {
    let world = World::new().await;
    let dana = world.dana().await;
    assert_eq!(sign_in(&world, "sam", "sam@harbor.example").await, None, "not on the list yet");
    let sam = dana.post("/api/staff", &new("Sam", "staff")).await.expect(201);
    assert_eq!(
        sam,
        json!({
            "staffId": sam["staffId"], "name": "Sam", "email": "sam@harbor.example",
            "role": "staff", "version": 1,
        })
    );
    let told = event(&world, "staff-added").await;
    assert_eq!(told["staff"], json!({"staffId": sam["staffId"], "name": "Sam"}));
    assert_eq!(told["actor"], json!({"id": dana.id, "name": "Dana", "role": "admin"}));

    world.pass(60);
    let cookie = sign_in(&world, "sam", "SAM@harbor.example").await.expect("a session");
    let who = session(&world, &cookie).await.expect(200);
    assert_eq!((&who["name"], &who["role"]), (&json!("Sam"), &json!("staff")));
    assert_eq!(who.get("practices"), None, "there is nothing to choose");
    let listed = list(&dana).await;
    assert_eq!(listed[1]["lastSignInAt"], json!(world.now()));
    assert_eq!(event(&world, "staff-shown").await["actor"]["name"], "Dana");

    let edit = json!({"version": 1, "name": "Samira", "role": "auditor"});
    let samira = dana.patch(&path(&sam), &edit).await.expect(200);
    assert_eq!((&samira["name"], &samira["version"]), (&json!("Samira"), &json!(2)));
    let told = event(&world, "staff-updated").await;
    assert_eq!(told["changed"], json!(["name", "role"]));
    let who = session(&world, &cookie).await.expect(200);
    assert_eq!((&who["name"], &who["role"]), (&json!("Samira"), &json!("auditor")));
    dana.patch(&path(&sam), &json!({"version": 1, "name": "S"})).await.problem(409, "stale");
    // What changes nothing is answered as it is, whatever the version.
    let same = dana.patch(&path(&sam), &json!({"version": 1, "name": "Samira"})).await.expect(200);
    assert_eq!(same["version"], 2);

    remove(&dana, &path(&sam)).await.expect(204);
    assert_eq!(event(&world, "staff-removed").await["staff"]["name"], "Samira");
    session(&world, &cookie).await.problem(401, "signed_out");
    assert_eq!(sign_in(&world, "sam", "sam@harbor.example").await, None);
    remove(&dana, &path(&sam)).await.problem(404, "not_found");
    assert_eq!(list(&dana).await.len(), 1);
}

#[tokio::test]
async fn a_repeated_addition_is_one_person_until_they_are_removed() {
    let world = World::new().await;
    let dana = world.dana().await;
    let add =
        |body: &Value| Call::new("POST", "/api/staff").json(body).header("idempotency-key", "k");
    let sam = dana.send(add(&new("Sam", "staff"))).await.expect(201);
    assert_eq!(dana.send(add(&new("Sam", "staff"))).await.expect(201), sam);
    assert_eq!(list(&dana).await.len(), 2);
    dana.send(add(&new("Sam", "admin"))).await.problem(422, "idempotency_key_reused");
    remove(&dana, &path(&sam)).await.expect(204);
    dana.send(add(&new("Sam", "staff"))).await.problem(409, "deleted");
    dana.post("/api/staff", &new("Sam", "staff")).await.expect(201);
}

#[tokio::test]
async fn an_address_is_on_a_list_once_in_any_case() {
    let world = World::new().await;
    let dana = world.dana().await;
    let sam = dana.post("/api/staff", &new("Sam", "staff")).await.expect(201);
    let before = world.items_but_sessions().await;
    let again = json!({"name": "Other", "email": " SAM@Harbor.EXAMPLE", "role": "staff"});
    let problem = dana.post("/api/staff", &again).await.problem(409, "email_taken");
    assert_eq!(problem["fields"][0]["field"], "email");
    let edit = json!({"version": 1, "email": "dana@harbor.example"});
    let problem = dana.patch(&path(&sam), &edit).await.problem(409, "email_taken");
    assert_eq!(problem["fields"][0]["field"], "email");
    assert_eq!(world.items_but_sessions().await, before);
    // Another case of one's own is no other address: the sessions stay.
    let cookie = sign_in(&world, "sam", "sam@harbor.example").await.expect("a session");
    let edit = json!({"version": 1, "email": "Sam@Harbor.example"});
    assert_eq!(dana.patch(&path(&sam), &edit).await.expect(200)["email"], "Sam@Harbor.example");
    session(&world, &cookie).await.expect(200);
}

#[tokio::test]
async fn another_address_is_matched_anew_and_ends_the_sessions() {
    let world = World::new().await;
    let dana = world.dana().await;
    let sam = dana.post("/api/staff", &new("Sam", "staff")).await.expect(201);
    let cookie = sign_in(&world, "sam", "sam@harbor.example").await.expect("a session");
    let edit = json!({"version": 1, "email": "samira@harbor.example"});
    dana.patch(&path(&sam), &edit).await.expect(200);
    session(&world, &cookie).await.problem(401, "signed_out");
    // Neither by the old address nor by who had it.
    assert_eq!(sign_in(&world, "sam", "sam@harbor.example").await, None);
    let cookie = sign_in(&world, "samira", "samira@harbor.example").await.expect("a session");
    session(&world, &cookie).await.expect(200);
    // The old one is free.
    dana.post("/api/staff", &new("Sam", "staff")).await.expect(201);
}

#[tokio::test]
async fn a_person_is_known_by_the_subject_once_they_signed_in() {
    let world = World::new().await;
    let dana = world.dana().await;
    dana.post("/api/staff", &new("Sam", "staff")).await.expect(201);
    let unverified = Identity { email_verified: false, ..identity("sam", "sam@harbor.example") };
    let caller = Caller { request_id: "request".into(), source: String::new() };
    let admitted = staff_sign_in::admit(&world.app, &caller, &unverified).await.expect("told");
    assert!(admitted.is_none(), "the address may be anybody's");
    sign_in(&world, "sam", "sam@harbor.example").await.expect("a session");
    // The same person with another address; another person with the same address; another issuer.
    assert!(sign_in(&world, "sam", "renamed@harbor.example").await.is_some());
    assert_eq!(sign_in(&world, "another", "sam@harbor.example").await, None);
    let elsewhere = Identity {
        issuer: "https://another.example".into(),
        ..identity("sam", "sam@harbor.example")
    };
    let admitted = staff_sign_in::admit(&world.app, &caller, &elsewhere).await.expect("told");
    assert!(admitted.is_none());
    // Nothing personal stands in a key, but the hash of it.
    for key in world.items().await.keys() {
        assert!(!key.to_lowercase().contains("sam") && !key.contains('@'), "{key}");
    }
}

#[tokio::test]
async fn ending_the_sessions_of_a_person_leaves_them_on_the_list() {
    let world = World::new().await;
    let dana = world.dana().await;
    let sam = dana.post("/api/staff", &new("Sam", "staff")).await.expect(201);
    let one = sign_in(&world, "sam", "sam@harbor.example").await.expect("a session");
    let two = sign_in(&world, "sam", "sam@harbor.example").await.expect("a session");
    let ended = dana.post(&format!("{}/end-sessions", path(&sam)), &Value::Null).await.expect(200);
    assert_eq!(ended["staffId"], sam["staffId"]);
    assert_eq!(event(&world, "staff-sessions-ended").await["staff"]["name"], "Sam");
    for cookie in [one, two] {
        session(&world, &cookie).await.problem(401, "signed_out");
    }
    let again = sign_in(&world, "sam", "sam@harbor.example").await.expect("a session");
    session(&world, &again).await.expect(200);
    session(&world, &dana.cookie).await.expect(200);
}

#[tokio::test]
async fn somebody_who_is_added_back_finds_no_old_session() {
    let world = World::new().await;
    let dana = world.dana().await;
    let sam = dana.post("/api/staff", &new("Sam", "staff")).await.expect(201);
    let old = sign_in(&world, "sam", "sam@harbor.example").await.expect("a session");
    remove(&dana, &path(&sam)).await.expect(204);
    let back = dana.post("/api/staff", &new("Sam", "staff")).await.expect(201);
    assert_ne!(back["staffId"], sam["staffId"]);
    session(&world, &old).await.problem(401, "signed_out");
    let fresh = sign_in(&world, "sam", "sam@harbor.example").await.expect("a session");
    session(&world, &fresh).await.expect(200);
    session(&world, &old).await.problem(401, "signed_out");
}

#[tokio::test]
async fn the_last_admin_stays_an_admin_of_the_list() {
    let world = World::new().await;
    let dana = world.dana().await;
    world.staff("harbor", "Felix", Role::Staff).await;
    world.staff("cove", "Casey", Role::Admin).await;
    let own = format!("/api/staff/{}", dana.id);
    let before = world.items_but_sessions().await;
    remove(&dana, &own).await.problem(409, "last_admin");
    for role in ["staff", "auditor"] {
        let edit = json!({"version": 1, "role": role});
        dana.patch(&own, &edit).await.problem(409, "last_admin");
    }
    assert_eq!(world.items_but_sessions().await, before);
    assert_eq!(event(&world, "refused").await["reason"], "last_admin");
    // With another admin, one may go.
    dana.post("/api/staff", &new("Uma", "admin")).await.expect(201);
    remove(&dana, &own).await.expect(204);
    dana.get("/api/staff").await.problem(401, "signed_out");
}

#[tokio::test]
async fn a_list_is_its_practices_alone() {
    let world = World::new().await;
    let dana = world.dana().await;
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    let sam = dana.post("/api/staff", &new("Sam", "staff")).await.expect(201);
    assert_eq!(list(&casey).await.len(), 1);
    let nobody = "/api/staff/01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let before = world.items_but_sessions().await;
    for call in [
        |path: &str| Call::new("PATCH", path).json(&json!({"version": 1, "name": "Mine"})),
        |path: &str| Call::new("DELETE", path),
        |path: &str| Call::new("POST", &format!("{path}/end-sessions")),
    ] {
        let theirs = casey.send(call(&path(&sam))).await;
        theirs.assert_alike(&casey.send(call(nobody)).await, "another practice's");
        theirs.problem(404, "not_found");
    }
    assert_eq!(world.items_but_sessions().await, before);
    // An address on one list says nothing on another.
    casey.post("/api/staff", &new("Sam", "staff")).await.expect(201);
}

// ---- Several practices ----

#[tokio::test]
async fn staff_of_several_practices_go_from_one_to_another() {
    let world = World::new().await;
    let dana = world.dana().await;
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    let kim = json!({"name": "Kim", "email": "kim@billing.example", "role": "staff"});
    let in_harbor = dana.post("/api/staff", &kim).await.expect(201);
    let other = json!({"name": "K. Lee", "email": "Kim@Billing.example", "role": "auditor"});
    let in_cove = casey.post("/api/staff", &other).await.expect(201);

    // The first by name.
    let cove = sign_in(&world, "kim", "kim@billing.example").await.expect("a session");
    let who = session(&world, &cove).await.expect(200);
    assert_eq!(who["practice"], json!({"id": "cove", "name": "Cove Clinic"}));
    assert_eq!((&who["name"], &who["role"]), (&json!("K. Lee"), &json!("auditor")));
    let both = json!([
        {"id": "cove", "name": "Cove Clinic"}, {"id": "harbor", "name": "Harbor Practice"},
    ]);
    assert_eq!(who["practices"], both);

    let switch = |cookie: &str, practice: &str| {
        let call = Call::new("PUT", "/api/staff/session").json(&json!({"practice": practice}));
        world.send(call.cookie(cookie))
    };
    for practice in ["nowhere", "island"] {
        switch(&cove, practice).await.problem(404, "not_found");
    }
    world.pass(60);
    let answer = switch(&cove, "harbor").await;
    let harbor = answer.cookie(COOKIE).expect("a session");
    let there = answer.expect(200);
    assert_eq!((&there["name"], &there["role"]), (&json!("Kim"), &json!("staff")));
    assert_eq!(there["practices"], both);
    assert_eq!(session(&world, &harbor).await.expect(200)["practice"]["id"], "harbor");
    session(&world, &cove).await.problem(401, "signed_out");
    assert_eq!(list(&dana).await[1]["lastSignInAt"], json!(world.now()));

    // No practice learns of the other.
    for (practice, other) in [("harbor", &in_cove), ("cove", &in_harbor)] {
        for (key, event) in world.events().await {
            let tells = event.contains(&text(&other["staffId"]));
            assert!(!(key.starts_with(&format!("P#{practice}#")) && tells), "{key}");
        }
    }
    assert_eq!(event(&world, "staff-signed-out").await["practice"], "cove");

    // Somebody who is taken off one list goes on with the other.
    remove(&dana, &path(&in_harbor)).await.expect(204);
    session(&world, &harbor).await.problem(401, "signed_out");
    let cove = sign_in(&world, "kim", "kim@billing.example").await.expect("a session");
    assert_eq!(session(&world, &cove).await.expect(200).get("practices"), None);
    switch(&cove, "harbor").await.problem(404, "not_found");
}

#[tokio::test]
async fn somebody_put_on_a_further_list_is_matched_there_at_the_next_sign_in() {
    let world = World::new().await;
    let dana = world.dana().await;
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    let kim = json!({"name": "Kim", "email": "kim@billing.example", "role": "staff"});
    dana.post("/api/staff", &kim).await.expect(201);
    let one = sign_in(&world, "kim", "kim@billing.example").await.expect("a session");
    assert_eq!(session(&world, &one).await.expect(200)["practice"]["id"], "harbor");
    casey.post("/api/staff", &kim).await.expect(201);
    let call = Call::new("PUT", "/api/staff/session").json(&json!({"practice": "cove"}));
    world.send(call.cookie(&one)).await.problem(404, "not_found");
    let two = sign_in(&world, "kim", "kim@billing.example").await.expect("a session");
    let who = session(&world, &two).await.expect(200);
    assert_eq!(who["practices"].as_array().map(Vec::len), Some(2));
    // By the subject alone from now on, in both.
    let three = sign_in(&world, "kim", "").await.expect("a session");
    let who = session(&world, &three).await.expect(200);
    assert_eq!(who["practices"].as_array().map(Vec::len), Some(2));
}

// ---- Every order of the requests ----

/// Runs two operations side by side, in the order that the bits of `order` say; answers whether the
/// second sent its first request after the first was answered, and both answers.
async fn side_by_side<'a>(
    world: &World,
    order: u32,
    one: impl Future<Output = Answer> + 'a,
    other: impl Future<Output = Answer> + 'a,
) -> (bool, Answer, Answer) {
    world.wire.forget();
    world.wire.hold_marked();
    let mut operations = Operations::on(&world.wire);
    operations.add(one);
    operations.add(other);
    let (mut step, mut late) = (0, None);
    loop {
        operations.settle().await;
        let waiting =
            world.wire.look(|held| (held.mark.expect("a mark"), held.operation == "UpdateItem"));
        if waiting.is_empty() {
            break;
        }
        // Of sessions there is one for each: when they are moved makes no difference.
        let at = waiting.iter().position(|(_, moves)| *moves).unwrap_or_else(|| {
            let wanted = usize::try_from(order >> step & 1).expect("small");
            step = (step + 1).min(STEPS);
            waiting.iter().position(|(mark, _)| *mark == wanted).unwrap_or(0)
        });
        if waiting[at].0 == 1 {
            late.get_or_insert(operations.answer(0).is_some());
        }
        world.wire.take(at).expect("it waits").release();
    }
    world.wire.let_go();
    let answer = |of| operations.answer(of).expect("an answer").clone();
    (late == Some(true), answer(0), answer(1))
}

/// Requests whose order is chosen: of each the check, the list and the write.
const STEPS: u32 = 6;

#[tokio::test]
async fn of_two_admins_one_is_left_whatever_they_do_to_each_other() {
    let world = World::new().await;
    let dana = world.dana().await;
    let uma = world.staff("harbor", "Uma", Role::Admin).await;
    let before = world.snapshot().await;
    let removal = |who: &Staff| Call::new("DELETE", &format!("/api/staff/{}", who.id));
    let demotion = |who: &Staff| {
        let edit = json!({"version": 1, "role": "staff"});
        Call::new("PATCH", &format!("/api/staff/{}", who.id)).json(&edit)
    };
    let mut faster = [0, 0];
    for (danas, umas) in [
        (removal(&uma), removal(&dana)),
        (demotion(&uma), demotion(&dana)),
        (removal(&dana), removal(&uma)),
        (demotion(&dana), removal(&uma)),
        (removal(&uma), demotion(&uma)),
    ] {
        for order in 0..2_u32.pow(STEPS) {
            let both = (dana.send(danas.clone()), uma.send(umas.clone()));
            let (_, one, other) = side_by_side(&world, order, both.0, both.1).await;
            let what = format!("{danas:?} {umas:?} {order:06b}: {} {}", one.body, other.body);
            let done = [&one, &other].map(|answer| answer.status.is_success());
            let of_uma = danas.path.contains(&uma.id);
            if of_uma && umas.path.contains(&uma.id) {
                // Somebody demotes herself while she is removed: either, or both.
                assert!(done[0], "{what}");
            } else {
                assert!(done[0] != done[1], "{what}");
                faster[usize::from(done[1])] += 1;
            }
            let now = world.snapshot().await;
            let items = now.items(&world.database.tables().main);
            let admins = items.iter().filter(|((pk, sk), item)| {
                pk == "P#harbor#T" && sk.starts_with("MEMBER#") && item["role"] == "admin"
            });
            assert_eq!(admins.count(), 1, "{what}");
            world.put_back(&now, &before).await;
        }
    }
    assert!(faster[0] > 20 && faster[1] > 20, "{faster:?}: both happen");
}

/// What takes rights away.
#[derive(Debug, Clone, Copy)]
enum Shut {
    Remove,
    Demote,
    EndSessions,
    Move,
}

/// What the person does meanwhile.
#[derive(Debug, Clone, Copy)]
enum Ask {
    Session,
    List,
    Add,
    Client,
}

#[tokio::test]
async fn whatever_somebody_does_while_their_rights_end_they_have_none_after() {
    let world = World::new().await;
    let dana = world.dana().await;
    let uma = world.staff("harbor", "Uma", Role::Admin).await;
    let before = world.snapshot().await;
    let person = format!("/api/staff/{}", uma.id);
    let (mut early, mut refused) = (0, 0);
    for shut in [Shut::Remove, Shut::Demote, Shut::EndSessions, Shut::Move] {
        let by = match shut {
            Shut::Remove => Call::new("DELETE", &person),
            Shut::Demote => {
                Call::new("PATCH", &person).json(&json!({"version": 1, "role": "auditor"}))
            }
            Shut::EndSessions => Call::new("POST", &format!("{person}/end-sessions")),
            Shut::Move => Call::new("PATCH", &person)
                .json(&json!({"version": 1, "email": "u@harbor.example"})),
        };
        for ask in [Ask::Session, Ask::List, Ask::Add, Ask::Client] {
            let call = match ask {
                Ask::Session => Call::new("GET", "/api/staff/session"),
                Ask::List => Call::new("GET", "/api/staff"),
                Ask::Add => Call::new("POST", "/api/staff").json(&new("Sam", "admin")),
                Ask::Client => Call::new("POST", "/api/clients").json(&json!({
                    "name": {"first": "Amara", "last": "Okafor"}, "dateOfBirth": "1984-03-12",
                })),
            };
            // What comes after the write of either is the same in all of them.
            for order in 0..2_u32.pow(STEPS - 2) {
                let what = format!("{ask:?} while {shut:?}, {order:04b}");
                let both = (dana.send(by.clone()), uma.send(call.clone()));
                let (late, shut_out, asked) = side_by_side(&world, order, both.0, both.1).await;
                assert!(shut_out.status.is_success(), "{what}: {}", shut_out.body);
                let done = asked.status.is_success();
                // Looking is left to an auditor.
                let looks = matches!((shut, ask), (Shut::Demote, Ask::Session));
                if late && !looks {
                    assert!(!done, "{what}: {}", asked.body);
                }
                if done {
                    early += 1;
                } else {
                    refused += 1;
                }
                let next = uma.send(call.clone()).await;
                if looks {
                    assert_eq!(next.expect(200)["role"], "auditor", "{what}");
                } else {
                    let code = next.body["code"].as_str().unwrap_or_default().to_owned();
                    let fine = ["signed_out", "admins_only", "read_only"].contains(&code.as_str());
                    assert!(fine, "{what}: {} {}", next.status, next.body);
                }
                let now = world.snapshot().await;
                world.put_back(&now, &before).await;
            }
        }
    }
    assert!(early > 10 && refused > 10, "{early} {refused}: both happen");
}

#[tokio::test]
async fn a_sign_in_while_somebody_is_removed_leads_nowhere() {
    let world = World::new().await;
    let dana = world.dana().await;
    let sam = dana.post("/api/staff", &new("Sam", "staff")).await.expect(201);
    let before = world.snapshot().await;
    let mut sessions = 0;
    for first in [true, false] {
        if !first {
            sign_in(&world, "sam", "sam@harbor.example").await.expect("a session");
        }
        let start = world.snapshot().await;
        for order in 0..2_u32.pow(STEPS) {
            let cookie = std::cell::RefCell::new(None);
            let arrive = async {
                *cookie.borrow_mut() = sign_in(&world, "sam", "sam@harbor.example").await;
                session(&world, "none").await
            };
            let gone = path(&sam);
            let removal = remove(&dana, &gone);
            let (_, removed, _) = side_by_side(&world, order, removal, arrive).await;
            removed.expect(204);
            if let Some(cookie) = cookie.take() {
                sessions += 1;
                session(&world, &cookie).await.problem(401, "signed_out");
            }
            // Nothing leads to the list any more.
            let logins = world.items().await.into_keys().filter(|key| key.starts_with("V#"));
            assert_eq!(logins.count(), 2, "Dana's alone, {order:06b}");
            let now = world.snapshot().await;
            world.put_back(&now, &start).await;
        }
    }
    assert!(sessions > 10, "{sessions}: some were faster");
    let now = world.snapshot().await;
    world.put_back(&now, &before).await;
}

#[tokio::test]
async fn a_session_that_ended_while_going_over_begins_nowhere_else() {
    let world = World::new().await;
    let dana = world.dana().await;
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    let kim = json!({"name": "Kim", "email": "kim@billing.example", "role": "staff"});
    dana.post("/api/staff", &kim).await.expect(201);
    casey.post("/api/staff", &kim).await.expect(201);
    let cookie = sign_in(&world, "kim", "kim@billing.example").await.expect("a session");
    let before = world.snapshot().await;
    let out = Call::new("DELETE", "/api/staff/session").cookie(&cookie);
    let over = Call::new("PUT", "/api/staff/session").json(&json!({"practice": "harbor"}));
    let over = over.cookie(&cookie);
    for order in 0..2_u32.pow(STEPS) {
        let both = (world.send(out.clone()), world.send(over.clone()));
        let (late, _, gone_over) = side_by_side(&world, order, both.0, both.1).await;
        assert!(!(late && gone_over.status.is_success()), "{order:06b}");
        session(&world, &cookie).await.problem(401, "signed_out");
        let now = world.snapshot().await;
        world.put_back(&now, &before).await;
    }
}
