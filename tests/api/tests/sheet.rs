//! Enrolment on paper, and people without an e-mail address: a printed link opens what a mailed one would and no
//! longer than that, it is told once, and nobody without an address is mailed anything.

use std::cell::Cell;

use api_tests::{
    Answer, Call, PASSWORD, PORTAL, World,
    apps::{claims, parameter},
    people::{Invited, Staff, text},
    programs::system,
    races::{Ended, meet_distinct},
};
use mail_events::SesEvent;
use serde_json::{Value, json};
use shared::{history::Role, id::PracticeId, keys};

const LAST: &str = "Okafor";
const BORN: &str = "1984-03-12";
const WEEK: i64 = 7 * 24 * 60 * 60;
const NAME: &str = "rosa.okafor";

fn person(first: &str, relationship: &str, username: &str) -> Value {
    json!({
        "name": {"first": first, "last": LAST}, "username": username, "relationship": relationship,
        "permissions": ["basic", "messaging"],
    })
}

async fn post_user(dana: &Staff, client: &str, body: &Value) -> Answer {
    dana.post(&format!("/api/clients/{client}/portal-users"), body).await
}

/// Rosa Okafor, a parent without an e-mail address, with this sign-in name.
async fn rosa(dana: &Staff, client: &str) -> Invited {
    let added = post_user(dana, client, &person("Rosa", "parent", NAME)).await.expect(201);
    let user = text(&added["portalUserId"]);
    Invited { client: client.into(), user, email: NAME.into(), token: String::new() }
}

async fn print(dana: &Staff, who: &Invited) -> Answer {
    dana.send(Call::new("POST", &format!("{}/sheet", who.path()))).await
}

fn token_of(sheet: &Value) -> String {
    let link = text(&sheet["link"]);
    let (page, token) = link.split_once('#').expect("a token behind #");
    assert_eq!(page, format!("{PORTAL}/harbor/enroll"));
    token.to_owned()
}

/// The token of a new sheet.
async fn printed(dana: &Staff, who: &Invited) -> String {
    token_of(&print(dana, who).await.expect(201))
}

async fn enroll(world: &World, token: &str) -> Answer {
    world.enroll(token, LAST, BORN, PASSWORD).await
}

async fn edit(dana: &Staff, who: &Invited, member: &str, value: Value) -> Answer {
    let version = dana.user(who).await["version"].clone();
    dana.patch(&who.path(), &json!({"version": version, member: value})).await
}

struct Desk {
    world: World,
    dana: Staff,
    client: String,
}

async fn desk() -> Desk {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", LAST, BORN).await;
    Desk { world, dana, client }
}

/// A desk at which Rosa has enrolled with a sheet.
async fn enrolled() -> (Desk, Invited) {
    let desk = desk().await;
    let who = rosa(&desk.dana, &desk.client).await;
    let token = printed(&desk.dana, &who).await;
    enroll(&desk.world, &token).await.expect(201);
    (desk, who)
}

/// Asserts that nothing was mailed to anybody, whatever waited.
async fn nothing_mailed(world: &World) {
    assert_eq!(world.deliver().await, 0);
    assert!(world.post.received().is_empty(), "{:?}", world.post.received());
    let items = world.items().await;
    assert!(!items.keys().any(|key| key.contains(keys::MAIL)), "nothing waits");
}

// ---- A person without an address ----

#[tokio::test]
async fn a_person_without_an_address_needs_a_sign_in_name_and_is_mailed_nothing() {
    let Desk { world, dana, client } = desk().await;
    let mut body = person("Rosa", "parent", NAME);
    body.as_object_mut().expect("an object").remove("username");
    let before = world.items_but_sessions().await;
    let refused = post_user(&dana, &client, &body).await.problem(422, "required");
    assert_eq!(refused["fields"][0]["field"], "username");
    assert!(text(&refused["fields"][0]["message"]).contains("such as"));
    assert_eq!(world.items_but_sessions().await, before);

    let who = rosa(&dana, &client).await;
    let user = dana.user(&who).await;
    assert_eq!((&user["status"], &user["username"]), (&json!("invited"), &json!(NAME)));
    assert_eq!((user.get("email"), user.get("mail")), (None, None));
    nothing_mailed(&world).await;
    // Without a sheet nobody can enrol, and the staff see when that is so for too long.
    world.pass(WEEK);
    let dana = world.dana().await;
    assert_eq!(dana.user(&who).await["ended"]["reason"], "expired");
    let token = printed(&dana, &who).await;
    enroll(&world, &token).await.expect(201);
}

#[tokio::test]
async fn nobody_without_an_address_is_mailed_whatever_happens_to_their_access() {
    let (Desk { world, dana, .. }, who) = enrolled().await;
    let browser = world.browser(NAME, PASSWORD, "computer").await;
    browser.change_password("another nine grey pebbles", PASSWORD).await.expect(204);
    edit(&dana, &who, "username", json!("rosa.o")).await.expect(200);
    let revoked = dana.revoke(&who).await.expect(200);
    assert_eq!(revoked.get("mail"), None);
    let activated = dana.activate(&who).await.expect(200);
    assert_eq!(
        (activated.get("mail"), &activated["portalUser"]["status"]),
        (None, &json!("active"))
    );
    assert_eq!(activated["portalUser"].get("mail"), None);
    let again = dana.activate(&who).await.expect(200);
    assert_eq!(again.get("mail"), None, "a repetition is answered alike");
    dana.resend(&who).await.problem(409, "already_enrolled");
    nothing_mailed(&world).await;
}

#[tokio::test]
async fn an_invitation_cannot_be_mailed_where_there_is_no_address() {
    let Desk { world, dana, client } = desk().await;
    let who = rosa(&dana, &client).await;
    let token = printed(&dana, &who).await;
    let refused = dana.resend(&who).await.problem(409, "no_email");
    assert!(text(&refused["detail"]).contains("sheet"));
    assert_eq!(world.check(&token).await.expect(200)["state"], "open", "the sheet is as it was");
    let job = json!({"action": "resend", "portalUserIds": [who.user]});
    let job = dana.post("/api/bulk", &job).await.expect(201);
    assert_eq!(job["willChange"], 0);
    assert_eq!(job["skipped"], json!([{"why": "no-email", "count": 1}]));
    nothing_mailed(&world).await;
}

#[tokio::test]
async fn a_forgotten_password_without_an_address_sends_nothing_and_tells_strangers_nothing() {
    let (Desk { world, dana, client }, who) = enrolled().await;
    let ben = rosa_called(&dana, &client, "Ben", "ben.okafor").await;
    printed(&dana, &ben).await;
    let unknown = world.forgot("nobody.at.all").await;
    let invited = dana.user(&ben).await;
    for name in [NAME, "ben.okafor"] {
        world.wire.forget();
        let asked = world.ask(name).await;
        let seen = world.wire.seen();
        asked.assert_alike(&unknown, name);
        world.resolve().await;
        world.wire.forget();
        world.ask("nobody.at.all").await;
        assert_eq!(world.wire.seen(), seen, "the same is written for everybody");
    }
    nothing_mailed(&world).await;
    assert_eq!(dana.user(&ben).await, invited, "the printed sheet stays");
    assert!(dana.actions(&who.client).await.contains(&"password-reset-requested".to_owned()));
    world.signed_in(NAME, PASSWORD).await;
}

async fn rosa_called(dana: &Staff, client: &str, first: &str, username: &str) -> Invited {
    let added = post_user(dana, client, &person(first, "other", username)).await.expect(201);
    let user = text(&added["portalUserId"]);
    Invited { client: client.into(), user, email: username.into(), token: String::new() }
}

#[tokio::test]
async fn alerts_for_a_person_without_an_address_go_to_the_practice() {
    let (Desk { world, dana, client }, who) = enrolled().await;
    let refused = dana.assign(&client, Some(&who.user)).await.problem(422, "no_email");
    assert_eq!(refused["fields"][0]["field"], "portalUserId");
    let ada = dana.enroll_for(&client, "ada@mail.example").await;
    dana.assign(&client, Some(&ada.user)).await.expect(200);
    let body = json!({"alertRecipient": who.user});
    let refused = dana.post(&format!("{}/revoke", ada.path()), &body).await;
    assert_eq!(refused.problem(422, "no_email")["fields"][0]["field"], "alertRecipient");
    assert_eq!(dana.user(&ada).await["status"], "active");
    let program = dana.program(&system(&["alerts"])).await;
    let alert = json!({"clientId": client, "kind": "message", "portalUserId": who.user});
    let posted = program.alert(&alert).await.expect(202);
    assert_eq!(posted["to"], "practice");
    world.deliver().await;
    assert_eq!(world.post.newest("alerts@harbor.example").tags["alert"][0], posted["alertId"]);
}

#[tokio::test]
async fn staff_enter_an_address_later_and_mails_go_there_alone() {
    let (Desk { world, dana, .. }, who) = enrolled().await;
    let changed = edit(&dana, &who, "email", json!("rosa@mail.example")).await.expect(200);
    assert_eq!(
        (&changed["email"], &changed["username"]),
        (&json!("rosa@mail.example"), &json!(NAME))
    );
    assert_eq!(changed["mail"]["kind"], "email-changed");
    world.deliver().await;
    let mails = world.post.received();
    assert_eq!(mails.iter().map(|mail| &*mail.to).collect::<Vec<_>>(), ["rosa@mail.example"]);
    world.forgot("rosa@mail.example").await.expect(202);
    world.deliver().await;
    let reset = world.post.newest("rosa@mail.example").token();
    world.choose(&reset, "another nine grey pebbles").await.expect(204);
    world.signed_in(NAME, "another nine grey pebbles").await;
}

#[tokio::test]
async fn an_address_that_an_invited_person_gets_ends_the_sheet() {
    let Desk { world, dana, client } = desk().await;
    let who = rosa(&dana, &client).await;
    let token = printed(&dana, &who).await;
    let changed = edit(&dana, &who, "email", json!("rosa@mail.example")).await.expect(200);
    assert_eq!(changed["username"], NAME, "a name that was chosen stays");
    enroll(&world, &token).await.problem(409, "invitation_expired");
    world.deliver().await;
    let mailed = world.post.newest("rosa@mail.example").token();
    enroll(&world, &mailed).await.expect(201);
}

#[tokio::test]
async fn a_person_adds_an_address_of_their_own_by_confirming_it() {
    let (Desk { world, dana, .. }, who) = enrolled().await;
    let browser = world.browser(NAME, PASSWORD, "computer").await;
    assert_eq!(browser.account().await.expect(200).get("email"), None);
    browser.change_email("rosa@mail.example", PASSWORD).await.expect(202);
    assert_eq!(dana.user(&who).await.get("email"), None, "not before it is confirmed");
    world.deliver().await;
    let token = world.post.newest("rosa@mail.example").token();
    browser.confirm(&token).await.expect(204);
    assert_eq!(browser.account().await.expect(200)["email"], "rosa@mail.example");
    assert_eq!(dana.user(&who).await["email"], "rosa@mail.example");
    world.deliver().await;
    let mails = world.post.received();
    assert!(mails.iter().all(|mail| mail.to == "rosa@mail.example"), "there is no address before");
    assert!(mails.len() == 2 && mails[1].subject.contains("address"));
}

#[tokio::test]
async fn an_app_hears_of_no_address_where_there_is_none() {
    let (Desk { world, dana, .. }, _) = enrolled().await;
    let room = dana.register(&json!({})).await;
    let cookie = world.signed_in(NAME, PASSWORD).await;
    let scope = json!({"scope": "openid profile email messaging"});
    let granted = world.authorize(&cookie, &room, &scope).await.expect(200);
    let code = parameter(&text(&granted["redirectTo"]), "code").expect("a code");
    let tokens = world.exchange(&room, &code).await.expect(200);
    let person = world.userinfo(&text(&tokens["access_token"])).await.expect(200);
    assert_eq!((&person["name"], person.get("email")), (&json!("Rosa Okafor"), None));
    assert_eq!(claims(&text(&tokens["id_token"])).get("email"), None);
}

#[tokio::test]
async fn a_person_without_an_address_is_found_by_the_sign_in_name_and_stands_in_the_lists() {
    let (Desk { world, dana, client }, _) = enrolled().await;
    let search = |query: &str| json!({"query": query});
    let found = dana.post("/api/clients/search", &search(NAME)).await.expect(200);
    assert_eq!(found["clients"][0]["clientId"], client.as_str());
    for (view, count) in [("all", 1), ("active", 1), ("bounced", 0), ("invited", 0)] {
        let page =
            dana.post("/api/access", &json!({"view": view, "query": NAME})).await.expect(200);
        assert_eq!(page["rows"].as_array().map(Vec::len), Some(count), "{view}");
    }
    let page = dana.post("/api/access", &json!({"view": "active"})).await.expect(200);
    assert_eq!(page["rows"][0]["portalUser"].get("email"), None);
    let job = json!({"action": "revoke", "view": "active"});
    let job = text(&dana.post("/api/bulk", &job).await.expect(201)["bulkId"]);
    let rows = dana.get(&format!("/api/bulk/{job}/rows")).await.expect(200);
    assert_eq!(rows["rows"][0]["portalUser"].get("email"), None, "{rows}");
    world.deliver().await;
}

// ---- One person, one account ----

#[tokio::test]
async fn a_sign_in_name_without_an_address_never_makes_two_people_one_by_itself() {
    let (Desk { world, dana, .. }, _) = enrolled().await;
    let other = dana.client("Silas", LAST, "2015-06-07").await;
    // Not even of one name: a name that staff made up is all that would say so.
    let mut body = person("Rosa", "parent", "ROSA.okafor");
    let said = post_user(&dana, &other, &body).await.problem(409, "account_exists");
    assert!(text(&said["detail"]).contains("without an e-mail address"), "{said}");
    assert_eq!(said["account"]["charts"].as_array().map(Vec::len), Some(1));
    let before = world.items_but_sessions().await;
    body["email"] = json!("rosa@mail.example");
    let said = post_user(&dana, &other, &body).await.problem(409, "username_taken");
    assert!(text(&said["detail"]).contains("without an e-mail address"), "{said}");
    assert_eq!(world.items_but_sessions().await, before);
    body.as_object_mut().expect("an object").remove("email");
    body["samePerson"] = json!(true);
    let added = post_user(&dana, &other, &body).await.expect(201);
    let who = Invited {
        client: other.clone(),
        user: text(&added["portalUserId"]),
        email: NAME.into(),
        token: String::new(),
    };
    // The chart is proved with its own data and the password that the account has.
    let token = printed(&dana, &who).await;
    assert_eq!(world.check(&token).await.expect(200)["account"], "existing");
    let wrong = world.enroll(&token, LAST, "2015-06-07", "another nine grey pebbles").await;
    wrong.problem(422, "proof_failed");
    let joined = world.enroll(&token, LAST, "2015-06-07", PASSWORD).await.expect(201);
    assert_eq!(joined["charts"].as_array().map(Vec::len), Some(2));
    // Who is here and revoked is activated, and not added.
    dana.revoke(&who).await.expect(200);
    post_user(&dana, &other, &body).await.problem(409, "access_revoked");
    nothing_mailed(&world).await;
}

#[tokio::test]
async fn a_sign_in_name_of_a_person_with_an_address_is_not_given_to_one_without() {
    let Desk { dana, client, .. } = desk().await;
    let mut body = person("Rosa", "parent", NAME);
    body["email"] = json!("rosa@mail.example");
    post_user(&dana, &client, &body).await.expect(201);
    let other = dana.client("Silas", LAST, "2015-06-07").await;
    let mut body = person("Rosa", "parent", NAME);
    body["samePerson"] = json!(true);
    let said = post_user(&dana, &other, &body).await.problem(409, "username_taken");
    assert!(text(&said["detail"]).contains("enter that address"), "{said}");
    let two = dana.client("Rosa", LAST, "1950-01-02").await;
    post_user(&dana, &two, &person("Rosa", "self", "rosa")).await.expect(201);
    let mut twin = person("Rosa", "self", "rosa");
    twin["samePerson"] = json!(true);
    let three = dana.client("Rosa", LAST, "1950-01-02").await;
    post_user(&dana, &three, &twin).await.problem(409, "self_twice");
}

// ---- The sheet ----

#[tokio::test]
async fn a_sheet_enrols_as_an_invitation_does() {
    let Desk { world, dana, client } = desk().await;
    let who = rosa(&dana, &client).await;
    let sheet = print(&dana, &who).await.expect(201);
    assert_eq!(sheet["expiresAt"], json!(world.now().plus(WEEK)));
    assert_eq!(sheet["language"], "en");
    let token = token_of(&sheet);
    let open = world.check(&token).await.expect(200);
    assert_eq!((&open["state"], &open["account"]), (&json!("open"), &json!("new")));
    world.enroll(&token, "Nobody", BORN, PASSWORD).await.problem(422, "proof_failed");
    world.enroll(&token, LAST, BORN, "rosa.okafor rosa.okafor").await.problem(422, "too_weak");
    let session = enroll(&world, &token).await.expect(201);
    assert_eq!(session["username"], NAME);
    assert_eq!(dana.user(&who).await["status"], "active");
    enroll(&world, &token).await.problem(409, "invitation_used");
    world.signed_in(NAME, PASSWORD).await;
    let actions = dana.actions(&client).await;
    assert!(actions.contains(&"sheet-printed".to_owned()), "{actions:?}");
    nothing_mailed(&world).await;
}

#[tokio::test]
async fn the_link_is_told_once_and_nothing_keeps_more_than_its_hash() {
    let Desk { world, dana, client } = desk().await;
    let who = rosa(&dana, &client).await;
    let call =
        || Call::new("POST", &format!("{}/sheet", who.path())).header("idempotency-key", "k");
    let first = dana.send(call()).await;
    assert_eq!(first.headers["cache-control"], "no-store");
    let sheet = first.expect(201);
    let token = token_of(&sheet);
    let again = dana.send(call()).await.expect(201);
    assert_eq!((again.get("link"), &again["expiresAt"]), (None, &sheet["expiresAt"]));
    assert_eq!(world.check(&token).await.expect(200)["state"], "open", "no second sheet was made");
    // Neither the token nor the end of it, which is the secret.
    let tail = &token[token.len() - 40..];
    for (kept, item) in world.items().await.into_iter().chain(world.events().await) {
        assert!(!item.contains(tail) && !kept.contains(tail), "{kept}");
    }
    let events = dana.get(&format!("/api/clients/{client}/history")).await.expect(200);
    assert!(!events.to_string().contains(tail));
    assert!(!dana.users(&client).await.to_string().contains(tail));
    // Another practice's page leads to no other portal.
    let cove = PracticeId::parse("cove").expect("a practice");
    assert_ne!(token.split('.').next(), Some(cove.as_str()));
}

#[tokio::test]
async fn only_the_newest_sheet_or_invitation_works() {
    let Desk { world, dana, client } = desk().await;
    let who = dana.invite(&client, "pat@mail.example").await;
    let mut dead = vec![who.token.clone(), printed(&dana, &who).await];
    dead.push(printed(&dana, &who).await);
    dana.resend(&who).await.expect(202);
    world.deliver().await;
    dead.push(world.post.newest(&who.email).token());
    let newest = printed(&dana, &who).await;
    for old in &dead {
        assert_ne!(*old, newest);
        assert_eq!(world.check(old).await.expect(200)["state"], "expired");
        enroll(&world, old).await.problem(409, "invitation_expired");
    }
    enroll(&world, &newest).await.expect(201);
}

#[tokio::test]
async fn a_sheet_takes_the_place_of_an_invitation_that_came_back_or_still_waits() {
    let Desk { world, dana, client } = desk().await;
    let who = dana.invite(&client, "pat@mail.example").await;
    let mail = world.post.newest(&who.email);
    let event: SesEvent = serde_json::from_value(json!({
        "eventType": "Bounce", "mail": {"tags": mail.tags},
        "bounce": {"bounceType": "Permanent", "bounceSubType": "General"},
    }))
    .expect("an event");
    mail_events::handle(&world.app, &event).await.expect("noted");
    let bounced = async || dana.get("/api/access/summary").await.expect(200)["views"].clone();
    let count = |views: &Value| {
        let mut views = views.as_array().expect("views").iter();
        views.find(|v| v["view"] == "bounced").expect("the view")["count"].clone()
    };
    assert_eq!(count(&bounced().await), 1);
    printed(&dana, &who).await;
    assert_eq!(count(&bounced().await), 0, "there is nothing left to mend");
    // One that waits in the outbox is not sent any more.
    dana.resend(&who).await.expect(202);
    let token = printed(&dana, &who).await;
    let before = world.post.received().len();
    world.deliver().await;
    assert_eq!(world.post.received().len(), before);
    assert_eq!(dana.user(&who).await.get("mail"), None);
    enroll(&world, &token).await.expect(201);
}

#[tokio::test]
async fn ten_wrong_proofs_and_a_week_end_a_sheet() {
    let Desk { world, dana, client } = desk().await;
    let who = rosa(&dana, &client).await;
    let token = printed(&dana, &who).await;
    for _ in 0..10 {
        world.enroll(&token, "Nobody", BORN, PASSWORD).await.problem(422, "proof_failed");
        world.pass(60);
    }
    enroll(&world, &token).await.problem(409, "invitation_expired");
    assert_eq!(dana.user(&who).await["ended"]["reason"], "wrong-proofs");
    let token = printed(&dana, &who).await;
    world.pass(WEEK - 1);
    assert_eq!(world.check(&token).await.expect(200)["state"], "open");
    world.pass(1);
    enroll(&world, &token).await.problem(409, "invitation_expired");
    let dana = world.dana().await;
    assert_eq!(dana.user(&who).await["status"], "expired");
    let token = printed(&dana, &who).await;
    enroll(&world, &token).await.expect(201);
}

#[tokio::test]
async fn a_sheet_is_for_those_who_have_not_enrolled_and_refusals_say_what_to_do() {
    let (Desk { world, dana, client }, who) = enrolled().await;
    let said = print(&dana, &who).await.problem(409, "already_enrolled");
    assert!(text(&said["detail"]).contains("in person"), "{said}");
    let ada = dana.enroll_for(&client, "ada@mail.example").await;
    print(&dana, &ada).await.problem(409, "already_enrolled");
    dana.revoke(&who).await.expect(200);
    let said = print(&dana, &who).await.problem(409, "access_revoked");
    assert!(text(&said["detail"]).contains("Activate"), "{said}");
    let ben = dana.invite(&client, "ben@mail.example").await;
    dana.close(&client, &json!({"reason": "left"})).await.expect(200);
    print(&dana, &ben).await.problem(409, "client_closed");
    let before = world.items_but_sessions().await;
    print(&dana, &ben).await.problem(409, "client_closed");
    assert_eq!(world.items_but_sessions().await, before);
}

#[tokio::test]
async fn auditors_and_other_practices_print_no_sheet() {
    let Desk { world, dana, client } = desk().await;
    let who = rosa(&dana, &client).await;
    let token = printed(&dana, &who).await;
    let ada = world.staff("harbor", "Ada", Role::Auditor).await;
    print(&ada, &who).await.problem(403, "read_only");
    let cora = world.staff("cove", "Cora", Role::Admin).await;
    print(&cora, &who).await.problem(404, "not_found");
    let nobody = Invited { user: "01J00000000000000000000000".into(), ..who.clone() };
    print(&dana, &nobody).await.problem(404, "not_found");
    let other = dana.client("Silas", LAST, BORN).await;
    print(&dana, &Invited { client: other, ..who.clone() }).await.problem(404, "not_found");
    world
        .send(Call::new("POST", &format!("{}/sheet", who.path())))
        .await
        .problem(401, "signed_out");
    assert_eq!(world.check(&token).await.expect(200)["state"], "open", "nothing changed");
}

// ---- Old sheets ----

#[tokio::test]
async fn a_sheet_opens_nothing_after_the_access_was_revoked_and_does_not_come_back_with_it() {
    let Desk { world, dana, client } = desk().await;
    let who = rosa(&dana, &client).await;
    let token = printed(&dana, &who).await;
    let receipt = dana.revoke(&who).await.expect(200);
    assert_eq!(receipt["ended"]["invitations"], 1);
    enroll(&world, &token).await.problem(409, "invitation_expired");
    let activated = dana.activate(&who).await.expect(200);
    assert_eq!(activated["portalUser"]["status"], "invited");
    assert_eq!(activated.get("mail"), None);
    enroll(&world, &token).await.problem(409, "invitation_expired");
    assert_eq!(world.check(&token).await.expect(200)["state"], "expired");
    let newest = printed(&dana, &who).await;
    enroll(&world, &newest).await.expect(201);
    nothing_mailed(&world).await;
}

#[tokio::test]
async fn a_sheet_of_a_person_who_was_deleted_is_not_the_next_ones() {
    let Desk { world, dana, client } = desk().await;
    let who = rosa(&dana, &client).await;
    let call =
        || Call::new("POST", &format!("{}/sheet", who.path())).header("idempotency-key", "k");
    let token = token_of(&dana.send(call()).await.expect(201));
    dana.delete(&who, "confirm=delete").await.expect(200);
    let gone = world.check(&token).await;
    let forged = world.check(&format!("{}AAAAAA", &token[..token.len() - 6])).await;
    let next = rosa(&dana, &client).await;
    for dead in [enroll(&world, &token).await, world.check(&token).await] {
        assert!(!dead.status.is_success() || dead.body["state"] != "open", "{}", dead.body);
    }
    assert_eq!((gone.status.as_u16(), forged.status.as_u16()), (404, 404));
    dana.send(call()).await.problem(409, "deleted");
    assert_eq!(dana.user(&next).await["status"], "invited");
    world.sign_in(NAME, PASSWORD).await.problem(401, "sign_in_failed");
}

#[tokio::test]
async fn closing_the_chart_ends_the_sheet() {
    let Desk { world, dana, client } = desk().await;
    let who = rosa(&dana, &client).await;
    let token = printed(&dana, &who).await;
    dana.close(&client, &json!({"reason": "left"})).await.expect(200);
    enroll(&world, &token).await.problem(409, "invitation_expired");
    dana.reopen(&client).await.expect(200);
    enroll(&world, &token).await.problem(409, "invitation_expired");
}

// ---- At once ----

#[tokio::test]
async fn a_sheet_that_is_printed_while_access_is_revoked_opens_nothing() {
    let Desk { world, dana, client } = desk().await;
    let felix = world.staff("harbor", "Felix", Role::Staff).await;
    let who = rosa(&dana, &client).await;
    let (made, refused) = (Cell::new(0), Cell::new(0));
    let begin = |of: usize| {
        let (dana, felix, who) = (&dana, &felix, &who);
        async move {
            match of {
                0 => dana.revoke(who).await,
                _ => print(felix, who).await,
            }
        }
    };
    let orders = meet_distinct(&world, begin, async |ended| {
        let Ended { order, answers: [revoked, sheet], after } = ended;
        revoked.expect(200);
        let said = sheet.status.as_u16();
        assert!(said == 201 || said == 409, "{order}: {said}");
        assert!(!(after && said == 201), "{order}: the revocation had answered");
        if said == 201 {
            made.set(made.get() + 1);
            enroll(&world, &token_of(&sheet.body)).await.problem(409, "invitation_expired");
        } else {
            refused.set(refused.get() + 1);
        }
        assert_eq!(dana.user(&who).await["status"], "revoked", "{order}");
    });
    assert!(orders.await > 3);
    assert!(made.get() > 0 && refused.get() > 0, "both happen");
}

#[tokio::test]
async fn a_sheet_that_is_printed_while_the_last_one_is_used_takes_nothing_back() {
    let Desk { world, dana, client } = desk().await;
    let who = rosa(&dana, &client).await;
    let token = printed(&dana, &who).await;
    let (entered, replaced) = (Cell::new(0), Cell::new(0));
    let begin = |of: usize| {
        let (world, dana, who, token) = (&world, &dana, &who, &token);
        async move {
            match of {
                0 => enroll(world, token).await,
                _ => print(dana, who).await,
            }
        }
    };
    let orders = meet_distinct(&world, begin, async |ended| {
        let Ended { order, answers: [used, sheet], .. } = ended;
        match (used.status.as_u16(), sheet.status.as_u16()) {
            (201, 409) => {
                entered.set(entered.get() + 1);
                assert_eq!(dana.user(&who).await["status"], "active", "{order}");
            }
            (409, 201) => {
                replaced.set(replaced.get() + 1);
                enroll(&world, &token_of(&sheet.body)).await.expect(201);
            }
            other => panic!("{order}: {other:?}"),
        }
    });
    assert!(orders.await > 3);
    assert!(entered.get() > 0 && replaced.get() > 0, "both happen");
}

#[tokio::test]
async fn of_a_sheet_and_an_invitation_at_once_one_works() {
    let Desk { world, dana, client } = desk().await;
    let felix = world.staff("harbor", "Felix", Role::Staff).await;
    let who = dana.invite(&client, "pat@mail.example").await;
    let (sheets, mails) = (Cell::new(0), Cell::new(0));
    let begin = |of: usize| {
        let (dana, felix, who) = (&dana, &felix, &who);
        async move {
            match of {
                0 => dana.resend(who).await,
                _ => print(felix, who).await,
            }
        }
    };
    let orders = meet_distinct(&world, begin, async |ended| {
        let Ended { order, answers: [resent, sheet], .. } = ended;
        resent.expect(202);
        let sheet = token_of(&sheet.expect(201));
        let before = world.post.received().len();
        world.deliver().await;
        let mailed = world.post.received().len() > before;
        let open = world.check(&sheet).await.expect(200)["state"] == "open";
        assert_ne!(open, mailed, "{order}: one of them");
        let of = if open { &sheets } else { &mails };
        of.set(of.get() + 1);
        enroll(&world, &who.token).await.problem(409, "invitation_expired");
    });
    assert!(orders.await > 3);
    assert!(sheets.get() > 0 && mails.get() > 0, "both happen");
}
