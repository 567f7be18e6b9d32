//! Rules 11 and 15: an invitation becomes credentials once, for whoever proves to be meant, and
//! passwords are strong without being a torment.

use api_tests::{
    Answer, Call, PASSWORD, World,
    people::{Invited, Staff, text},
};
use futures::future::join_all;
use serde_json::{Value, json};
use shared::{
    history::Role,
    id::{ClientId, PortalUserId, PracticeId},
    jwt::{Audience, Claims},
    token::InvitationToken,
};

const COOKIE: &str = "__Host-latchkey-portal";
const LAST: &str = "Okafor";
const BORN: &str = "1984-03-12";

/// Amara Okafor's portal user, invited.
async fn invited(dana: &Staff) -> Invited {
    let client = dana.client("Amara", LAST, BORN).await;
    dana.invite(&client, "pat@mail.example").await
}

async fn state(world: &World, token: &str) -> String {
    text(&world.check(token).await.expect(200)["state"])
}

fn taken_apart(token: &str) -> InvitationToken {
    InvitationToken::parse(token).expect("a token")
}

fn body(token: &str, last: &str, password: &str) -> Value {
    json!({"token": token, "lastName": last, "dateOfBirth": BORN, "password": password})
}

async fn enroll_with_key(world: &World, key: &str, body: &Value) -> Answer {
    let call = Call::new("POST", "/api/portal/enrollment").header("idempotency-key", key);
    world.send(call.json(body)).await
}

/// An answer without what names the request.
fn told(answer: Answer) -> (u16, Value) {
    let mut body = answer.body;
    if let Some(body) = body.as_object_mut() {
        body.remove("requestId");
    }
    (answer.status.as_u16(), body)
}

#[tokio::test]
async fn an_invitation_makes_credentials_and_signs_in_once() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = invited(&dana).await;
    let open = world.check(&who.token).await.expect(200);
    assert_eq!(open["practice"], json!({"id": "harbor", "name": "Harbor Practice"}));
    assert_eq!(open["state"], "open");
    assert_eq!(open["account"], "new");
    assert_eq!(open["passwordMinimum"], 15);
    assert_eq!(open["expiresAt"], json!(world.now().plus(7 * 24 * 60 * 60)));

    let answer = world.enroll(&who.token, LAST, BORN, PASSWORD).await;
    let cookie = answer.cookie(COOKIE).expect("a session");
    let enrolled = answer.expect(201);
    assert_eq!(enrolled["username"], who.email.as_str());
    assert_eq!(enrolled["charts"][0]["clientId"], who.client.as_str());
    assert_eq!(enrolled["charts"][0]["permissions"], json!(["basic", "messaging"]));
    assert_eq!(world.session(&cookie).await.expect(200), enrolled);
    assert_eq!(dana.user(&who).await["status"], "active");

    assert_eq!(state(&world, &who.token).await, "used");
    for password in [PASSWORD, "another nine grey pebbles"] {
        let again = world.enroll(&who.token, LAST, BORN, password).await;
        assert!(again.cookie(COOKIE).is_none());
        again.problem(409, "invitation_used");
    }
    world.signed_in(&who.email, PASSWORD).await;
}

#[tokio::test]
async fn only_the_newest_invitation_works() {
    let world = World::new().await;
    let dana = world.dana().await;
    let first = invited(&dana).await;
    let mut tokens = vec![first.token.clone()];
    for _ in 0..2 {
        dana.resend(&first).await.expect(202);
        world.deliver().await;
        tokens.push(world.post.newest(&first.email).token());
    }
    // A new address ends the invitation that went to the old one.
    let version = dana.user(&first).await["version"].clone();
    let edit = json!({"version": version, "email": "new@mail.example"});
    dana.patch(&first.path(), &edit).await.expect(200);
    world.deliver().await;
    tokens.push(world.post.newest("new@mail.example").token());

    let newest = tokens.pop().expect("a token");
    for old in &tokens {
        assert_ne!(*old, newest);
        assert_eq!(state(&world, old).await, "expired");
        world.enroll(old, LAST, BORN, PASSWORD).await.problem(409, "invitation_expired");
    }
    assert_eq!(state(&world, &newest).await, "open");
    world.enroll(&newest, LAST, BORN, PASSWORD).await.expect(201);
}

/// The other order of the same: the new invitation is made between the read and the write of an
/// enrolment with the old one.
#[tokio::test]
async fn an_invitation_replaced_while_it_is_being_used_does_not_work() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = invited(&dana).await;
    world.check(&who.token).await.expect(200);
    world.wire.hold();
    let enrolling = world.enroll(&who.token, LAST, BORN, PASSWORD);
    let meanwhile = async {
        let write = world.wire.write().await;
        world.wire.let_go();
        dana.resend(&who).await.expect(202);
        write.release();
    };
    let (answer, ()) = futures::join!(enrolling, meanwhile);
    answer.problem(409, "invitation_expired");
    assert_eq!(dana.user(&who).await["status"], "invited");
    world.sign_in(&who.email, PASSWORD).await.problem(401, "sign_in_failed");
}

#[tokio::test]
async fn opening_the_link_spends_nothing_however_often() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = invited(&dana).await;
    let before = (world.items().await, world.events().await);
    world.wire.forget();
    let first = world.check(&who.token).await.expect(200);
    for _ in 0..30 {
        assert_eq!(world.check(&who.token).await.expect(200), first);
    }
    assert_eq!((world.items().await, world.events().await), before);
    assert!(!world.wire.seen().iter().any(|o| o.starts_with("Transact") || o == "UpdateItem"));
    world.enroll(&who.token, LAST, BORN, PASSWORD).await.expect(201);
}

#[tokio::test]
async fn an_invitation_lives_seven_days_or_as_long_as_the_practice_says() {
    let world = World::new().await;
    world.practice("harbor", "Harbor Practice", |p| p.invitation_days = 2).await;
    let dana = world.dana().await;
    let who = invited(&dana).await;
    world.pass(2 * 24 * 60 * 60 - 1);
    assert_eq!(state(&world, &who.token).await, "open");
    world.pass(1);
    assert_eq!(state(&world, &who.token).await, "expired");
    world.enroll(&who.token, LAST, BORN, PASSWORD).await.problem(409, "invitation_expired");
}

#[tokio::test]
async fn ten_wrong_proofs_kill_an_invitation() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = invited(&dana).await;
    for n in 0..10 {
        assert_eq!(state(&world, &who.token).await, "open");
        let wrong = match n % 3 {
            0 => world.enroll(&who.token, "Adeyemi", BORN, PASSWORD).await,
            1 => world.enroll(&who.token, LAST, "1984-12-03", PASSWORD).await,
            // The person's own name is no proof: the client's is asked for.
            _ => world.enroll(&who.token, "Person", BORN, PASSWORD).await,
        };
        assert!(wrong.cookie(COOKIE).is_none());
        wrong.problem(422, "proof_failed");
    }
    assert_eq!(state(&world, &who.token).await, "expired");
    world.enroll(&who.token, LAST, BORN, PASSWORD).await.problem(409, "invitation_expired");
    assert_eq!(dana.user(&who).await["status"], "expired");
    let page = dana.get(&format!("/api/clients/{}", who.client)).await.expect(200);
    assert_eq!(page["portal"], json!({"status": "expired", "users": 1}));
    let actions = dana.actions(&who.client).await;
    // Ten wrong proofs, and two looks at the dead link.
    assert_eq!(actions.iter().filter(|a| *a == "enrollment-refused").count(), 12);
    assert_eq!(dana.user(&who).await["ended"]["reason"], "wrong-proofs");

    dana.resend(&who).await.expect(202);
    world.deliver().await;
    let fresh = world.post.newest(&who.email).token();
    world.enroll(&fresh, LAST, BORN, PASSWORD).await.expect(201);
}

#[tokio::test]
async fn nine_wrong_proofs_do_not() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = invited(&dana).await;
    for _ in 0..9 {
        world.enroll(&who.token, "Adeyemi", BORN, PASSWORD).await.problem(422, "proof_failed");
    }
    // A weak password after the right proof is no wrong proof.
    for _ in 0..3 {
        world.enroll(&who.token, LAST, BORN, "short").await.problem(422, "too_short");
    }
    world.enroll(&who.token, LAST, BORN, PASSWORD).await.expect(201);
}

#[tokio::test]
async fn wrong_proofs_at_once_are_all_counted() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = invited(&dana).await;
    let wrong = || world.enroll(&who.token, "Adeyemi", BORN, PASSWORD);
    let answers = join_all((0..16).map(|_| wrong())).await;
    let count = |code: &str| answers.iter().filter(|a| a.body["code"] == code).count();
    assert_eq!((count("proof_failed"), count("invitation_expired")), (10, 6));
    world.enroll(&who.token, LAST, BORN, PASSWORD).await.problem(409, "invitation_expired");
}

#[tokio::test]
async fn a_name_with_one_part_is_proved_with_that_part() {
    let world = World::new().await;
    let dana = world.dana().await;
    for (n, (first, last, part)) in
        [("Suharto", "", "suharto"), ("", "Sukarno", "SUKARNO"), ("美咲", "", "美咲")]
            .into_iter()
            .enumerate()
    {
        let client = dana.client(first, last, BORN).await;
        let who = dana.invite(&client, &format!("one{n}@mail.example")).await;
        world.enroll(&who.token, "Somebody", BORN, PASSWORD).await.problem(422, "proof_failed");
        world.enroll(&who.token, part, BORN, PASSWORD).await.expect(201);
    }
}

/// The whole list stands in `shared/src/proof/tests.rs`; this is one of each kind over HTTP.
#[tokio::test]
async fn the_proof_forgives_spelling_and_never_another_person() {
    let world = World::new().await;
    let dana = world.dana().await;
    let mut n = 0;
    for (last, right, wrong) in [
        ("O’Brien", "O'BRIEN", "Brien"),
        ("García Márquez", "garcia", "gar"),
        ("Müller-Lüdenscheidt", "Mueller Luedenscheidt", "der"),
        ("Ødegård", "Oedegaard", "Odegardsen"),
        ("Nguyễn", "nguyen", "nguye"),
        ("de la Cruz", "Dela  Cruz ", "de la"),
        ("Okon Jr.", "Okon", "Jr"),
        ("Smith (Jones)", "Smith", "Jones"),
        ("St. John", "Saint John", "John"),
        ("Smith", "Ana Smith", "Ana"),
        ("FNU", "Ana", "FNU"),
        (".", "Ana", "-"),
    ] {
        n += 1;
        let client = dana.client("Ana", last, BORN).await;
        let who = dana.invite(&client, &format!("name{n}@mail.example")).await;
        world.enroll(&who.token, wrong, BORN, PASSWORD).await.problem(422, "proof_failed");
        world.enroll(&who.token, right, BORN, PASSWORD).await.expect(201);
    }
    // First and last are not exchanged, and nothing is proved with nothing.
    let client = dana.client("Wren", LAST, BORN).await;
    let who = dana.invite(&client, "name@mail.example").await;
    world.enroll(&who.token, "Wren", BORN, PASSWORD).await.problem(422, "proof_failed");
    world.enroll(&who.token, "'-", BORN, PASSWORD).await.problem(422, "proof_failed");
    let empty = world.enroll(&who.token, "  ", BORN, PASSWORD).await.problem(400, "invalid");
    assert_eq!(empty["fields"][0]["field"], "lastName");
}

#[tokio::test]
async fn whoever_has_an_account_joins_the_chart_to_it_with_the_password_they_have() {
    let world = World::new().await;
    let dana = world.dana().await;
    let parent = "holly@mail.example";
    let (wren, silas) =
        (dana.client("Wren", LAST, BORN).await, dana.client("Silas", LAST, "2015-06-01").await);
    dana.enroll_for(&wren, parent).await;
    let second = dana.invite(&silas, parent).await;
    let open = world.check(&second.token).await.expect(200);
    assert_eq!((&open["state"], &open["account"]), (&json!("open"), &json!("existing")));

    // A wrong password and a wrong proof are not told apart.
    let born = "2015-06-01";
    let other = "another nine grey pebbles";
    let wrong_password = told(world.enroll(&second.token, LAST, born, other).await);
    let wrong_name = told(world.enroll(&second.token, "Adeyemi", born, PASSWORD).await);
    let wrong_birth = told(world.enroll(&second.token, LAST, BORN, PASSWORD).await);
    assert_eq!((wrong_password.0, &wrong_password.1["code"]), (422, &json!("proof_failed")));
    assert_eq!(wrong_password, wrong_name);
    assert_eq!(wrong_password, wrong_birth);
    world.sign_in(parent, other).await.problem(401, "sign_in_failed");
    assert_eq!(dana.user(&second).await["status"], "invited");

    world.pass(1);
    let joined = world.enroll(&second.token, LAST, born, PASSWORD).await.expect(201);
    assert_eq!(joined["charts"].as_array().expect("charts").len(), 2);
    assert_eq!(dana.actions(&silas).await[0], "chart-joined");
    let accounts = world.items().await.keys().filter(|k| k.ends_with(" ACCOUNT")).count();
    assert_eq!(accounts, 1);
}

#[tokio::test]
async fn two_invitations_of_somebody_without_an_account_make_one() {
    let world = World::new().await;
    let dana = world.dana().await;
    let parent = "holly@mail.example";
    let (wren, silas) =
        (dana.client("Wren", LAST, BORN).await, dana.client("Silas", LAST, BORN).await);
    let (one, two) = (dana.invite(&wren, parent).await, dana.invite(&silas, parent).await);
    assert_eq!(world.check(&two.token).await.expect(200)["account"], "new");
    world.enroll(&one.token, LAST, BORN, PASSWORD).await.expect(201);
    assert_eq!(world.check(&two.token).await.expect(200)["account"], "existing");
    // The second link sets no other password.
    let other = "another nine grey pebbles";
    world.enroll(&two.token, LAST, BORN, other).await.problem(422, "proof_failed");
    world.enroll(&two.token, LAST, BORN, PASSWORD).await.expect(201);
    world.sign_in(parent, other).await.problem(401, "sign_in_failed");
}

#[tokio::test]
async fn a_username_held_with_another_address_is_taken() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let client = dana.client("Silas", LAST, BORN).await;
    let (items, mails) = (world.items().await.len(), world.post.received().len());
    for username in [who.email.clone(), who.email.to_uppercase()] {
        let body = json!({
            "name": {"first": "New", "last": "Person"}, "email": "new@mail.example",
            "username": username, "relationship": "self", "permissions": [],
        });
        let path = format!("/api/clients/{client}/portal-users");
        let taken = dana.post(&path, &body).await.problem(409, "username_taken");
        assert_eq!(taken["fields"][0]["field"], "username");
    }
    world.deliver().await;
    assert_eq!((world.items().await.len(), world.post.received().len()), (items, mails));
    // In another practice it is free.
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    let elsewhere = casey.client("Silas", LAST, BORN).await;
    casey.add(&elsewhere, &who.email).await.expect(201);
}

#[tokio::test]
async fn a_token_that_was_tampered_with_is_no_token() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = invited(&dana).await;
    let other = dana.client("Silas", LAST, BORN).await;
    let stranger = dana.invite(&other, "stranger@mail.example").await;
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    let elsewhere = casey.client("Amara", LAST, BORN).await;
    casey.add(&elsewhere, &who.email).await.expect(201);

    let token = &who.token;
    let cove = PracticeId::parse("cove").expect("a practice");
    let change = |change: &dyn Fn(&mut InvitationToken)| {
        let mut token = taken_apart(token);
        change(&mut token);
        token.text()
    };
    let theirs = taken_apart(&stranger.token);
    let nobody = PortalUserId::new(world.app.ulid());
    let mut tampered = vec![
        String::from("x"),
        "harbor".into(),
        "harbor.".into(),
        "..".into(),
        token[..token.len() - 1].into(),
        format!("{token}A"),
        format!("{token}="),
        token.replacen("harbor.", "", 1),
        token.replacen("harbor.", "HARBOR.", 1),
        token.replacen("harbor.", "nowhere.", 1),
        token.replacen("harbor.", "cove.", 1),
        change(&|t| t.practice = cove.clone()),
        change(&|t| t.client = ClientId::parse(&elsewhere).expect("an id")),
        change(&|t| t.client = theirs.client),
        change(&|t| t.user = theirs.user),
        change(&|t| t.user = nobody),
        change(&|t| t.secret = theirs.secret.clone()),
    ];
    tampered.push("A".repeat(300));
    let events = world.events().await;
    for wrong in &tampered {
        world.check(wrong).await.problem(404, "not_found");
        world.enroll(wrong, LAST, BORN, PASSWORD).await.problem(404, "not_found");
    }
    // Each is recorded where the practice is real, and not on a chart: the ids may be made up.
    let real = |link: &&String| link.starts_with("harbor.") || link.starts_with("cove.");
    let mut refused = world.events().await;
    refused.retain(|key, _| !events.contains_key(key));
    assert_eq!(refused.len(), 2 * tampered.iter().filter(real).count());
    for event in refused.values() {
        let event: Value = serde_json::from_str(event).expect("JSON");
        assert_eq!(event["action"], "enrollment-refused");
        assert_eq!((&event["reason"], event.get("clientId")), (&json!("not_found"), None));
    }
    world.enroll(token, LAST, BORN, PASSWORD).await.expect(201);
}

/// Two people are invited to one chart. The one changes the account in their token to the other's,
/// which has no password yet: that must not set it.
#[tokio::test]
async fn an_invitation_sets_the_password_of_no_other_account_of_the_chart() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = invited(&dana).await;
    let other = dana.invite(&who.client, "holly@mail.example").await;
    let mut token = taken_apart(&who.token);
    token.account = world.account_key(&other.email);
    let token = token.text();

    // The account is the one of the portal user whose secret it is, whatever the token says.
    world.enroll(&token, LAST, BORN, PASSWORD).await.expect(201);
    world.sign_in(&other.email, PASSWORD).await.problem(401, "sign_in_failed");
    world.signed_in(&who.email, PASSWORD).await;
    assert_eq!(dana.user(&other).await["status"], "invited");
    world.enroll(&other.token, LAST, BORN, PASSWORD).await.expect(201);
}

#[tokio::test]
async fn the_table_holds_nothing_that_makes_a_token() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", LAST, BORN).await;
    dana.add(&client, "pat@mail.example").await.expect(201);
    let waiting = world.items().await;
    world.deliver().await;
    let sent = world.items().await;
    let token = world.post.newest("pat@mail.example").token();
    world.check(&token).await.expect(200);

    // After the practice's name, 48 bytes of ids are 64 characters, and 32 of secret are 43.
    let encoded = token.strip_prefix("harbor.").expect("the practice");
    let (ids, secret) = encoded.split_at(64);
    assert_eq!(secret.len(), 43);
    let hash = json!(taken_apart(&token).secret.hash());
    for items in [&waiting, &sent] {
        let all = items.iter().map(|(k, v)| format!("{k} {v}")).collect::<Vec<_>>().join("\n");
        assert!(!all.contains(secret));
        assert!(all.contains(hash.as_str().expect("text")), "the hash is there");
    }
    let events: String = world.events().await.into_values().collect();
    assert!(!events.contains(secret) && !events.contains(hash.as_str().expect("text")));

    // What waits in the outbox is not the secret, and is gone once the mail is.
    let mail = |items: &std::collections::BTreeMap<String, String>| -> Value {
        let (_, item) = items.iter().find(|(k, _)| k.contains(" MAIL#")).expect("the mail");
        serde_json::from_str(item).expect("JSON")
    };
    let nonce = text(&mail(&waiting)["nonce"]);
    assert_eq!(nonce.len(), 43);
    let guess = format!("harbor.{ids}{nonce}");
    world.check(&guess).await.problem(404, "not_found");
    world.enroll(&guess, LAST, BORN, PASSWORD).await.problem(404, "not_found");
    assert!(mail(&sent).get("nonce").is_none());
    assert!(!sent.values().any(|v| v.contains(&nonce)));
    // Nor is the hash itself a token.
    let guess = format!("harbor.{ids}{}", hash.as_str().expect("text"));
    world.check(&guess).await.problem(404, "not_found");
}

/// Enrols somebody with a password; the answer.
async fn password(world: &World, who: &Invited, password: &str) -> Answer {
    world.enroll(&who.token, LAST, BORN, password).await
}

#[tokio::test]
async fn passwords_have_fifteen_characters_or_more_and_need_no_composition() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", LAST, BORN).await;
    let who = dana.invite(&client, "first@mail.example").await;
    for short in ["a", "xq7Vz!m2Kp9#Lt", "дождьигромнаду"] {
        assert!(short.chars().count() < 15);
        let refused = password(&world, &who, short).await.problem(422, "too_short");
        assert_eq!(refused["fields"][0]["field"], "password");
    }
    for (wrong, code) in
        [(String::new(), "empty"), ("ab ".repeat(86)[..257].to_owned(), "too_long")]
    {
        let refused = password(&world, &who, &wrong).await.problem(400, "invalid");
        assert_eq!(refused["fields"][0]["field"], "password");
        assert_eq!(refused["fields"][0]["code"], code);
    }

    let long: String =
        (0..256_u32).map(|n| char::from_u32(0x21 + n * 7 % 94).expect("one")).collect();
    for (n, good) in [
        "xq7Vz!m2Kp9#LtW",
        "plum otter canyon ferry",
        "  spaces on both sides kept  ",
        "медленный чайник у моря",
        "七つの静かな薬缶が海辺で歌う夜",
        "🦊🌲 quiet otters at dusk",
        "nul\u{0}and\ttab and newline\n too",
        &long[..64],
        &long,
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("good{n}@mail.example");
        let who = dana.invite(&client, &email).await;
        password(&world, &who, good).await.expect(201);
        world.signed_in(&email, good).await;
        let close: String = good.chars().skip(1).collect();
        world.sign_in(&email, &close).await.problem(401, "sign_in_failed");
        if good.trim() != good {
            world.sign_in(&email, good.trim()).await.problem(401, "sign_in_failed");
        }
    }
}

#[tokio::test]
async fn one_keyboards_accents_are_anothers() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = invited(&dana).await;
    let (composed, apart) =
        ("caf\u{e9} d\u{e9}j\u{e0} brouillard", "cafe\u{301} de\u{301}ja\u{300} brouillard");
    assert_ne!(composed, apart);
    password(&world, &who, apart).await.expect(201);
    world.signed_in(&who.email, composed).await;
    world.signed_in(&who.email, apart).await;
    // Fourteen characters are not made fifteen by taking an accent apart.
    let other = dana.invite(&who.client, "other@mail.example").await;
    password(&world, &other, "xq7Vz!m2Kp9#e\u{301}t").await.problem(422, "too_short");
}

#[tokio::test]
async fn passwords_that_are_easily_guessed_are_refused() {
    let world = World::new().await;
    let dana = world.dana().await;
    let body = json!({
        "name": {"first": "Wilhelmina", "last": "Featherstonehaugh"}, "dateOfBirth": BORN,
    });
    let client = text(&dana.post("/api/clients", &body).await.expect(201)["clientId"]);
    let body = json!({
        "name": {"first": "Bartholomew", "last": "Cholmondeley"}, "email": "bartycholm@mail.example",
        "username": "squirrelwhisperer", "relationship": "spouse", "permissions": [],
    });
    let path = format!("/api/clients/{client}/portal-users");
    dana.post(&path, &body).await.expect(201);
    world.deliver().await;
    let token = world.post.newest("bartycholm@mail.example").token();
    for weak in [
        "passwordpassword",
        "123456789012345",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "qwertyuiopasdfgh",
        "abcabcabcabcabcabc",
        "Password123456!",
        "letmeinletmeinletmein",
        // The person, the client, the practice, the day of birth, the address, the username.
        "BartholomewCholmondeley",
        "cholmondeleybartholomew",
        "WilhelminaFeatherstonehaugh",
        "featherstonehaugh1",
        "harborpractice1",
        "Harbor Practice",
        "BartholomewCholmondeley1984!",
        "WilhelminaFeatherstonehaugh19840312",
        "Bartholomew & Wilhelmina",
        "harbor Cholmondeley 12.03.1984",
        "1984-03-12-1984-03-12",
        "bartycholm@mail.example",
        "squirrelwhisperer1",
        // Dates, sequences and repeats, the product's own words, other spellings, known from breaches.
        "12/03/1984 12/03/1984",
        "12 March 1984 12 mars",
        "client portal password",
        "latchkeylatchkey1",
        "contrase\u{f1}a cliente portal",
        "Password123456789!",
        "correct horse battery staple",
        "B4rth0l0m3w Ch0lm0nd3l3y 1984",
        "yeledn0mlohC 1984",
    ] {
        let body = json!({
            "token": token, "lastName": "Featherstonehaugh", "dateOfBirth": BORN, "password": weak,
        });
        let refused = world.send(Call::new("POST", "/api/portal/enrollment").json(&body)).await;
        assert_eq!(refused.body["code"], "too_weak", "{weak}: {}", refused.body);
        assert!(!refused.body.to_string().contains(weak), "the password is not said back");
        let refused = refused.problem(422, "too_weak");
        assert_eq!(refused["fields"][0]["field"], "password");
    }
    assert_eq!(state(&world, &token).await, "open");
}

/// One context for every place: a reset knows the birth dates of all charts too.
#[tokio::test]
async fn a_reset_refuses_what_an_enrolment_refuses() {
    let world = World::new().await;
    let dana = world.dana().await;
    let parent = "holly@mail.example";
    let (wren, silas) =
        (dana.client("Wren", LAST, BORN).await, dana.client("Silas", LAST, "2015-06-01").await);
    dana.enroll_for(&wren, parent).await;
    let second = dana.invite(&silas, parent).await;
    world.enroll(&second.token, LAST, "2015-06-01", PASSWORD).await.expect(201);
    world.forgot(parent).await.expect(202);
    world.deliver().await;
    let token = world.post.newest(parent).token();
    for weak in [
        "12/03/1984 12/03/1984",
        "01/06/2015-01/06/2015",
        "1 juin 2015 Wren 1984",
        "Silas Wren Okafor 06012015",
        "latchkeylatchkey1",
        "Harbor Practice 1",
        "holly holly mail 1984",
    ] {
        world.choose(&token, weak).await.problem(422, "too_weak");
    }
    world.choose(&token, "another nine grey pebbles").await.expect(204);
}

/// A person who was invited to two charts chooses the password with the first: it knows the second.
#[tokio::test]
async fn the_first_password_knows_every_chart_of_the_account() {
    let world = World::new().await;
    let dana = world.dana().await;
    let parent = "holly@mail.example";
    let (wren, silas) =
        (dana.client("Wren", LAST, BORN).await, dana.client("Silas", LAST, "2015-06-01").await);
    let who = dana.invite(&wren, parent).await;
    dana.invite(&silas, parent).await;
    password(&world, &who, "01/06/2015-01/06/2015").await.problem(422, "too_weak");
    password(&world, &who, PASSWORD).await.expect(201);
}

#[tokio::test]
async fn a_practice_can_ask_for_more_characters_and_not_for_fewer() {
    let world = World::new().await;
    world.practice("harbor", "Harbor Practice", |p| p.password_minimum = 20).await;
    world.practice("cove", "Cove Clinic", |p| p.password_minimum = 8).await;
    let dana = world.dana().await;
    let who = invited(&dana).await;
    password(&world, &who, "xq7Vz!m2Kp9#LtW4uYe").await.problem(422, "too_short");
    password(&world, &who, "xq7Vz!m2Kp9#LtW4uYeR").await.expect(201);
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    let client = casey.client("Amara", LAST, BORN).await;
    let who = casey.invite(&client, "cove@mail.example").await;
    password(&world, &who, "xq7Vz!m2Kp9#Lt").await.problem(422, "too_short");
}

#[tokio::test]
async fn an_enrolment_sent_twice_with_one_key_is_answered_twice_and_done_once() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = invited(&dana).await;
    let body_ = body(&who.token, LAST, PASSWORD);
    let first = enroll_with_key(&world, "key-1", &body_).await;
    let one = first.cookie(COOKIE).expect("a session");
    let first = first.expect(201);
    let (items, events) = (world.items().await, world.events().await);
    let again = enroll_with_key(&world, "key-1", &body_).await;
    let two = again.cookie(COOKIE).expect("a session");
    assert_eq!(again.expect(201), first);
    assert_eq!((world.items().await, world.events().await), (items, events));
    world.session(&one).await.expect(200);
    world.session(&two).await.expect(200);
    assert_eq!(dana.revoke(&who).await.expect(200)["ended"]["sessions"], 1, "one session");
    world.session(&two).await.problem(401, "signed_out");

    for other in
        [body(&who.token, "Adeyemi", PASSWORD), body(&who.token, LAST, "another nine grey pebbles")]
    {
        enroll_with_key(&world, "key-1", &other).await.problem(422, "idempotency_key_reused");
    }
    enroll_with_key(&world, "key-2", &body_).await.problem(409, "invitation_used");
    // What is kept for repeats holds neither password nor token.
    let kept: String = world
        .items()
        .await
        .into_iter()
        .filter(|(key, _)| key.ends_with(" REQUEST"))
        .map(|(_, item)| item)
        .collect();
    assert!(!kept.is_empty());
    assert!(
        !kept.contains(PASSWORD) && !kept.contains(&who.token) && !kept.contains(&who.token[71..])
    );
}

/// What a cookie's token claims.
fn claims(world: &World, cookie: &str) -> Claims {
    let (_, token) = cookie.split_once('=').expect("a cookie");
    world.app.keys().verify(token, Audience::Portal, world.now()).expect("a token")
}

/// Whoever only verifies tokens takes each until its own end: none is made for a session that has
/// ended, and none that outlives its session.
#[tokio::test]
async fn a_repeated_enrolment_revives_no_session_and_lengthens_none() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", LAST, BORN).await;
    for end in ["revoked", "revoked and activated", "deleted", "another password", "unused"] {
        let key = end.replace(' ', "-");
        let who = dana.invite(&client, &format!("{key}@mail.example")).await;
        let body = body(&who.token, LAST, PASSWORD);
        let first = enroll_with_key(&world, &key, &body).await;
        let first_claims = claims(&world, &first.cookie(COOKIE).expect("a session"));
        world.pass(5 * 60);
        let again = enroll_with_key(&world, &key, &body).await;
        let header = again.headers["set-cookie"].to_str().expect("text").to_owned();
        assert!(header.contains("Max-Age=3300;"), "{end}: {header}");
        let again_claims = claims(&world, &again.cookie(COOKIE).expect("a session"));
        assert_eq!((again_claims.sid, again_claims.exp), (first_claims.sid, first_claims.exp));
        assert_eq!(again.expect(201), first.expect(201), "{end}");

        match end {
            "deleted" => drop(dana.delete(&who, "confirm=delete").await.expect(200)),
            "another password" => {
                world.forgot(&who.email).await.expect(202);
                world.deliver().await;
                let token = world.post.newest(&who.email).token();
                world.choose(&token, "another nine grey pebbles").await.expect(204);
            }
            "unused" => world.pass(5 * 60),
            _ => {
                dana.revoke(&who).await.expect(200);
                if end != "revoked" {
                    dana.activate(&who).await.expect(200);
                }
            }
        }
        let late = enroll_with_key(&world, &key, &body).await;
        assert!(late.cookie(COOKIE).is_none(), "{end}");
        late.problem(409, "invitation_used");
    }
}

/// The session that joining a chart made opens the account's other chart too; that chart is not what
/// the enrolment was about.
#[tokio::test]
async fn a_repeated_enrolment_is_not_answered_once_its_chart_is_closed() {
    let world = World::new().await;
    let dana = world.dana().await;
    let (wren, silas) =
        (dana.client("Wren", LAST, BORN).await, dana.client("Silas", LAST, BORN).await);
    dana.enroll_for(&wren, "holly@mail.example").await;
    let second = dana.invite(&silas, "holly@mail.example").await;
    let body = body(&second.token, LAST, PASSWORD);
    let cookie = enroll_with_key(&world, "key-1", &body).await.cookie(COOKIE).expect("a session");
    dana.revoke(&second).await.expect(200);
    let again = enroll_with_key(&world, "key-1", &body).await;
    assert!(again.cookie(COOKIE).is_none());
    again.problem(409, "invitation_used");
    world.session(&cookie).await.expect(200);
}

#[tokio::test]
async fn a_key_does_not_stop_a_second_try_after_a_refusal() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = invited(&dana).await;
    let wrong = body(&who.token, "Adeyemi", PASSWORD);
    for _ in 0..2 {
        enroll_with_key(&world, "key-1", &wrong).await.problem(422, "proof_failed");
    }
    enroll_with_key(&world, "key-1", &body(&who.token, LAST, PASSWORD)).await.expect(201);
}

#[tokio::test]
async fn of_two_enrolments_at_once_one_wins() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = invited(&dana).await;
    let passwords = [PASSWORD, "another nine grey pebbles"];
    let answers = join_all(passwords.iter().map(|p| world.enroll(&who.token, LAST, BORN, p))).await;
    let won = answers.iter().position(|a| a.status == 201).expect("one wins");
    answers[1 - won].clone().problem(409, "invitation_used");
    world.signed_in(&who.email, passwords[won]).await;
    world.sign_in(&who.email, passwords[1 - won]).await.problem(401, "sign_in_failed");
    let actions = dana.actions(&who.client).await;
    assert_eq!(actions.iter().filter(|a| *a == "enrolled").count(), 1);
}

#[tokio::test]
async fn links_that_do_not_work_are_limited_and_one_that_does_works_all_the_same() {
    let world = World::new().await;
    let dana = world.dana().await;
    let (used, works) = (invited(&dana).await, invited(&dana).await);
    world.enroll(&used.token, LAST, BORN, PASSWORD).await.expect(201);
    let before = world.events().await.len();
    for _ in 0..25 {
        assert_eq!(state(&world, &used.token).await, "used");
        world.enroll(&used.token, LAST, BORN, PASSWORD).await.problem(409, "invitation_used");
    }
    assert_eq!(world.events().await.len(), before + 51, "and that the network is locked");
    world.check(&used.token).await.problem(429, "too_many_attempts");
    world.enroll(&used.token, LAST, BORN, PASSWORD).await.problem(429, "too_many_attempts");
    world.check("harbor.x").await.problem(429, "too_many_attempts");
    assert_eq!(world.events().await.len(), before + 51);
    assert_eq!(state(&world, &works.token).await, "open");
    world.enroll(&works.token, LAST, BORN, PASSWORD).await.expect(201);
}
