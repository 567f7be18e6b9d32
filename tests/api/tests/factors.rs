//! Second factors: adding and removing them, and signing in with them. What each promises, and how each is
//! attacked.

use api_tests::{
    Answer, Call, PASSWORD, World, apps,
    authenticator::{Authenticator, Device},
    people::{Browser, Invited, Staff, text},
};
use serde_json::{Value, json};
use shared::{cookie, jwt::Audience};

const NEW: &str = "another nine grey pebbles";
const ACCOUNT: &str = "/api/portal/account";
const FACTOR: &str = "/api/portal/sign-in/factor";

/// A person who is signed in, in a practice that offers second factors.
struct Scene {
    world: World,
    dana: Staff,
    who: Invited,
    computer: Browser,
}

async fn scene() -> Scene {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    set(&dana, "offered").await;
    let computer = world.browser(&who.email, PASSWORD, "computer").await;
    world.deliver().await;
    world.wire.forget();
    Scene { world, dana, who, computer }
}

/// Has the practice offer, require or not offer a second factor.
async fn set(dana: &Staff, to: &str) {
    let version = dana.get("/api/practice").await.expect(200)["version"].clone();
    let edit = json!({"version": version, "secondFactor": to});
    dana.patch("/api/practice", &edit).await.expect(200);
}

fn proof() -> Value {
    json!({"proof": {"password": PASSWORD}})
}

impl Scene {
    async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.computer.send(Call::new(method, &format!("{ACCOUNT}/{path}")).json(body)).await
    }

    /// Adds an authenticator app.
    async fn app(&self) -> Authenticator {
        let given = self.call("POST", "totp", &proof()).await.expect(200);
        let app = Authenticator::new(&text(&given["secret"]));
        let code = json!({"code": app.code(self.world.now())});
        self.call("PUT", "totp", &code).await.expect(204);
        // The first code counts as used.
        self.world.pass(30);
        app
    }

    /// A recovery code.
    async fn recovery_code(&self) -> String {
        let made = self.call("POST", "recovery-code", &proof()).await.expect(201);
        text(&made["code"])
    }

    /// Adds a passkey of a new device.
    async fn passkey(&self, id: u8) -> (Device, String) {
        let mut device = Device::at(&self.world.app.config().portal_origin, id);
        let asked = self.call("POST", "passkeys/options", &proof()).await.expect(200);
        let made = device.create(&asked["options"]);
        let body = json!({"name": "My phone", "credential": made});
        let added = self.call("POST", "passkeys", &body).await.expect(201);
        (device, text(&added["passkeyId"]))
    }

    /// The challenge after the right password, with the methods.
    async fn challenge(&self) -> Value {
        let answer = self.world.sign_in(&self.who.email, PASSWORD).await;
        answer.problem(401, "second_factor_required")
    }

    async fn second(&self, challenge: &Value, method: &str, code: &str) -> Answer {
        let body = json!({"challenge": challenge["challenge"], "method": method, "code": code});
        self.world.send(Call::new("POST", FACTOR).json(&body)).await
    }

    async fn second_by(&self, challenge: &Value, credential: &Value) -> Answer {
        let token = &challenge["challenge"];
        let body = json!({"challenge": token, "method": "passkey", "credential": credential});
        self.world.send(Call::new("POST", FACTOR).json(&body)).await
    }

    /// Signs in with a passkey alone.
    async fn alone(&self, device: &mut Device) -> Answer {
        let question = self.question().await;
        let credential = device.get(&question["options"]);
        self.answer(&question, &credential).await
    }

    async fn question(&self) -> Value {
        let body = json!({"practice": "harbor"});
        let path = "/api/portal/sign-in/passkey/options";
        self.world.send(Call::new("POST", path).json(&body)).await.expect(200)
    }

    async fn answer(&self, question: &Value, credential: &Value) -> Answer {
        let body = json!({"challenge": question["challenge"], "credential": credential});
        self.world.send(Call::new("POST", "/api/portal/sign-in/passkey").json(&body)).await
    }

    async fn factors(&self) -> Value {
        self.computer.account().await.expect(200)["secondFactors"].clone()
    }

    /// The events of an action, in the order in which they were written.
    async fn events(&self, action: &str) -> Vec<Value> {
        let events = self.world.events().await.into_values();
        let events = events.map(|event| serde_json::from_str::<Value>(&event).expect("JSON"));
        events.filter(|event| event["action"] == action).collect()
    }

    /// The subject of the newest mail to the person.
    async fn subject(&self) -> String {
        self.world.deliver().await;
        self.world.post.newest(&self.who.email).subject
    }
}

fn signs_in(answer: Answer) -> Value {
    assert!(answer.cookie(cookie::name(Audience::Portal)).is_some(), "a session");
    answer.expect(200)
}

#[tokio::test]
async fn an_authenticator_app_is_asked_for_once_it_has_shown_a_code() {
    let scene = scene().await;
    let given = scene.call("POST", "totp", &proof()).await.expect(200);
    assert_eq!(scene.world.wire.seen(), ["BatchGetItem", "TransactWriteItems"]);
    let (secret, uri) = (text(&given["secret"]), text(&given["uri"]));
    assert_eq!(secret.len(), 32, "160 bits");
    assert!(uri.starts_with("otpauth://totp/") && uri.contains(&secret), "{uri}");
    // Not confirmed yet: the password alone still signs in.
    scene.world.sign_in(&scene.who.email, PASSWORD).await.expect(200);
    assert_eq!(scene.factors().await["totp"], false);
    let app = Authenticator::new(&secret);
    let code = json!({"code": app.code(scene.world.now())});
    scene.call("PUT", "totp", &code).await.expect(204);
    assert_eq!(scene.factors().await["totp"], true);
    assert!(scene.subject().await.contains("was added"));
    assert_eq!(scene.events("factor-added").await[0]["changed"], json!(["totp"]));
    let challenge = scene.challenge().await;
    assert_eq!(challenge["methods"], json!(["totp"]));
    scene.world.pass(30);
    scene.world.wire.forget();
    let answer = scene.second(&challenge, "totp", &app.code(scene.world.now())).await;
    assert_eq!(scene.world.wire.seen(), ["BatchGetItem", "TransactWriteItems"]);
    assert_eq!(signs_in(answer)["username"], scene.who.email.as_str());
    assert_eq!(scene.events("second-factor-asked").await.len(), 1);
    // What the table keeps makes no code.
    let items = scene.world.items().await;
    assert!(items.values().all(|item| !item.contains(&secret)), "the secret is nowhere");
}

#[tokio::test]
async fn a_code_works_once_and_only_in_its_step_and_the_next() {
    let scene = scene().await;
    let app = scene.app().await;
    let now = app.code(scene.world.now());
    signs_in(scene.second(&scene.challenge().await, "totp", &now).await);
    let again = scene.second(&scene.challenge().await, "totp", &now).await;
    again.problem(401, "factor_failed");
    // Nor one of a step before the one that was taken.
    scene.world.pass(60);
    let before = app.code(scene.world.now().plus(-30));
    let late = app.code(scene.world.now().plus(-60));
    let early = app.code(scene.world.now().plus(30));
    scene.second(&scene.challenge().await, "totp", &late).await.problem(401, "factor_failed");
    scene.second(&scene.challenge().await, "totp", &early).await.problem(401, "factor_failed");
    signs_in(scene.second(&scene.challenge().await, "totp", &before).await);
}

#[tokio::test]
async fn of_two_at_once_with_one_code_one_signs_in() {
    let scene = scene().await;
    let app = scene.app().await;
    let code = app.code(scene.world.now());
    let (a, b) = (scene.challenge().await, scene.challenge().await);
    let both = [scene.second(&a, "totp", &code), scene.second(&b, "totp", &code)];
    let answers = futures::future::join_all(both).await;
    let signed_in = answers.iter().filter(|answer| answer.status.is_success()).count();
    assert_eq!(signed_in, 1);
}

#[tokio::test]
async fn wrong_codes_count_as_wrong_passwords_do() {
    let scene = scene().await;
    let app = scene.app().await;
    let challenge = scene.challenge().await;
    for _ in 0..4 {
        scene.second(&challenge, "totp", "000000").await.problem(401, "factor_failed");
    }
    // The right password in between forgets nothing: else a thief who knows it could go on for ever.
    scene.challenge().await;
    scene.second(&challenge, "totp", "000000").await.problem(401, "factor_failed");
    let code = app.code(scene.world.now());
    scene.second(&challenge, "totp", &code).await.problem(429, "too_many_attempts");
    scene.world.sign_in(&scene.who.email, PASSWORD).await.problem(429, "too_many_attempts");
    let refused = scene.events("sign-in-refused").await;
    assert_eq!(refused.len(), 5);
    assert!(refused.iter().all(|event| event["reason"] == "totp"));
    assert_eq!(scene.events("locked").await.len(), 1);
    scene.world.pass(60);
    signs_in(scene.second(&challenge, "totp", &app.code(scene.world.now())).await);
}

#[tokio::test]
async fn a_challenge_opens_one_sign_in_for_ten_minutes_with_the_password_of_then() {
    let scene = scene().await;
    let app = scene.app().await;
    let code = || app.code(scene.world.now());
    let used = scene.challenge().await;
    signs_in(scene.second(&used, "totp", &code()).await);
    scene.world.pass(30);
    scene.second(&used, "totp", &code()).await.problem(401, "challenge_expired");
    let late = scene.challenge().await;
    scene.world.pass(10 * 60);
    scene.second(&late, "totp", &code()).await.problem(401, "challenge_expired");
    let forged = json!({"challenge": text(&used["challenge"]).replace("harbor.", "cove.")});
    scene.second(&forged, "totp", &code()).await.problem(401, "challenge_expired");
    let nonsense = json!({"challenge": "nonsense"});
    scene.second(&nonsense, "totp", &code()).await.problem(401, "challenge_expired");
    // A new password ends what the old one began.
    let old = scene.challenge().await;
    let computer = {
        let challenge = scene.challenge().await;
        let answer = scene.second(&challenge, "totp", &code()).await;
        let name = cookie::name(Audience::Portal);
        Browser { cookies: answer.cookie(name).expect("a session"), ..scene.computer.clone() }
    };
    computer.change_password(NEW, PASSWORD).await.expect(204);
    scene.world.pass(30);
    scene.second(&old, "totp", &code()).await.problem(401, "challenge_expired");
}

#[tokio::test]
async fn access_that_was_revoked_between_the_steps_opens_nothing() {
    let scene = scene().await;
    let app = scene.app().await;
    let challenge = scene.challenge().await;
    scene.dana.revoke(&scene.who).await.expect(200);
    let code = app.code(scene.world.now());
    let answer = scene.second(&challenge, "totp", &code).await;
    assert!(answer.cookie(cookie::name(Audience::Portal)).is_none());
    answer.problem(403, "access_not_active");
}

#[tokio::test]
async fn access_that_was_revoked_and_given_again_revives_no_second_step() {
    let scene = scene().await;
    let app = scene.app().await;
    let challenge = scene.challenge().await;
    scene.dana.revoke(&scene.who).await.expect(200);
    scene.dana.activate(&scene.who).await.expect(200);
    let code = app.code(scene.world.now());
    scene.second(&challenge, "totp", &code).await.problem(401, "challenge_expired");
    signs_in(scene.second(&scene.challenge().await, "totp", &code).await);
}

#[tokio::test]
async fn a_recovery_code_signs_in_once_and_is_replaced() {
    let scene = scene().await;
    scene.call("POST", "recovery-code", &proof()).await.problem(409, "no_second_factor");
    scene.app().await;
    let first = scene.recovery_code().await;
    assert!(scene.subject().await.contains("recovery code"));
    let code = scene.recovery_code().await;
    assert_eq!(scene.factors().await["recoveryCode"], true);
    let challenge = scene.challenge().await;
    assert_eq!(challenge["methods"], json!(["totp", "recovery-code"]));
    let answer = scene.second(&challenge, "recovery-code", &first).await;
    answer.problem(401, "factor_failed");
    // As it is typed from paper.
    let typed = code.to_lowercase().replace('-', " ");
    let new = signs_in(scene.second(&challenge, "recovery-code", &typed).await);
    assert!(scene.subject().await.contains("was used"));
    let new = text(&new["recoveryCode"]);
    assert_ne!(new, code);
    let again = scene.second(&scene.challenge().await, "recovery-code", &code).await;
    again.problem(401, "factor_failed");
    signs_in(scene.second(&scene.challenge().await, "recovery-code", &new).await);
    let items = scene.world.items().await;
    assert!(items.values().all(|item| !item.contains(&new) && !item.contains(&code)));
}

#[tokio::test]
async fn the_code_of_a_repeated_request_is_not_shown_again() {
    let scene = scene().await;
    scene.app().await;
    let path = format!("{ACCOUNT}/recovery-code");
    let call = || Call::new("POST", &path).json(&proof()).header("idempotency-key", "k");
    let code = text(&scene.computer.send(call()).await.expect(201)["code"]);
    assert_eq!(scene.computer.send(call()).await.expect(201), json!({}));
    signs_in(scene.second(&scene.challenge().await, "recovery-code", &code).await);
}

#[tokio::test]
async fn changes_ask_for_the_password_or_a_code() {
    let scene = scene().await;
    let wrong = json!({"proof": {"password": "not the password at all"}});
    for (method, path) in [
        ("POST", "totp"),
        ("DELETE", "totp"),
        ("POST", "passkeys/options"),
        ("DELETE", "passkeys/01ARZ3NDEKTSV4RRFFQ69G5FAV"),
    ] {
        let problem = scene.call(method, path, &wrong).await.problem(422, "wrong_password");
        assert_eq!(problem["fields"][0]["field"], "proof.password", "{method} {path}");
    }
    assert_eq!(scene.events("proof-refused").await.len(), 4);
    scene.world.pass(24 * 60 * 60);
    let app = {
        let computer = scene.world.browser(&scene.who.email, PASSWORD, "computer").await;
        let scene = Scene {
            computer,
            world: scene.world.clone(),
            dana: scene.dana.clone(),
            who: scene.who.clone(),
        };
        let app = scene.app().await;
        let code = json!({"proof": {"code": app.code(scene.world.now())}});
        scene.call("POST", "recovery-code", &code).await.expect(201);
        // The code is used by that.
        let problem = scene.call("DELETE", "totp", &code).await.problem(422, "wrong_code");
        assert_eq!(problem["fields"][0]["field"], "proof.code");
        let none =
            scene.call("DELETE", "totp", &json!({"proof": {}})).await.problem(422, "missing");
        assert_eq!(none["fields"][0]["field"], "proof");
        let next = json!({"proof": {"code": app.code(scene.world.now().plus(30))}});
        scene.call("DELETE", "totp", &next).await.problem(422, "wrong_code");
        app
    };
    scene.world.pass(30);
    let challenge = scene.challenge().await;
    signs_in(scene.second(&challenge, "totp", &app.code(scene.world.now())).await);
}

#[tokio::test]
async fn in_a_session_nothing_is_begun_without_a_proof() {
    let scene = scene().await;
    let before = scene.world.items().await;
    for (method, path) in [("POST", "totp"), ("POST", "passkeys/options")] {
        let problem = scene.call(method, path, &json!({})).await.problem(422, "missing");
        assert_eq!(problem["fields"][0]["field"], "proof", "{path}");
    }
    assert_eq!(scene.world.items().await, before);
    let code = json!({"code": "123456"});
    scene.call("PUT", "totp", &code).await.problem(409, "totp_not_begun");
}

#[tokio::test]
async fn a_new_factor_and_a_removed_one_end_all_other_sessions() {
    let scene = scene().await;
    let room = scene.dana.register(&json!({})).await;
    let (world, email) = (&scene.world, &scene.who.email);
    let session =
        |browser: &Browser| browser.cookies.split("; ").next().expect("a cookie").to_owned();
    let own = world.token(&session(&scene.computer), &room).await;
    let phone = world.browser(email, PASSWORD, "phone").await;
    let other = world.token(&session(&phone), &room).await;
    let app = scene.app().await;
    assert!(scene.computer.lives().await && !phone.lives().await);
    assert_eq!(world.introspect(&room, &own).await["active"], true);
    assert_eq!(world.introspect(&room, &other).await["active"], false);
    let told = world.items().await;
    assert_eq!(told.keys().filter(|key| key.contains("#K NOTICE#")).count(), 1);

    let challenge = scene.challenge().await;
    let phone = scene.second(&challenge, "totp", &app.code(world.now())).await;
    let phone = phone.cookie(cookie::name(Audience::Portal)).expect("a session");
    let session = |cookie: &str| Call::new("GET", "/api/portal/session").header("cookie", cookie);
    world.send(session(&phone)).await.expect(200);
    scene.call("DELETE", "totp", &proof()).await.expect(204);
    assert!(scene.computer.lives().await);
    world.send(session(&phone)).await.problem(401, "signed_out");
}

#[tokio::test]
async fn a_code_is_used_up_by_what_is_refused_after_it() {
    let scene = scene().await;
    let app = scene.app().await;
    let code = app.code(scene.world.now());
    let proof = json!({"proof": {"code": code}});
    let unknown = "passkeys/01ARZ3NDEKTSV4RRFFQ69G5FAV";
    scene.call("DELETE", unknown, &proof).await.problem(404, "not_found");
    scene.call("DELETE", unknown, &proof).await.problem(422, "wrong_code");
    let challenge = scene.challenge().await;
    scene.second(&challenge, "totp", &code).await.problem(401, "factor_failed");
}

#[tokio::test]
async fn a_removed_factor_is_not_asked_for_and_takes_its_codes_along() {
    let scene = scene().await;
    let app = scene.app().await;
    scene.recovery_code().await;
    let begun = scene.challenge().await;
    scene.call("DELETE", "totp", &proof()).await.expect(204);
    assert!(scene.subject().await.contains("was removed"));
    assert_eq!(scene.events("factor-removed").await[0]["changed"], json!(["totp"]));
    let none = json!({"passkeys": [], "totp": false, "recoveryCode": false});
    assert_eq!(scene.factors().await, none);
    let code = app.code(scene.world.now());
    scene.second(&begun, "totp", &code).await.problem(401, "factor_failed");
    scene.world.sign_in(&scene.who.email, PASSWORD).await.expect(200);
    scene.call("DELETE", "totp", &proof()).await.problem(404, "not_found");
}

#[tokio::test]
async fn where_a_factor_is_required_the_last_one_stays() {
    let scene = scene().await;
    scene.app().await;
    set(&scene.dana, "required").await;
    scene.call("DELETE", "totp", &proof()).await.problem(409, "last_factor");
    assert_eq!(scene.factors().await["totp"], true);
    scene.passkey(1).await;
    scene.call("DELETE", "totp", &proof()).await.expect(204);
    let refused = scene.events("refused").await;
    assert_eq!(refused.last().expect("an event")["reason"], "last_factor");
}

#[tokio::test]
async fn who_has_none_where_one_is_required_adds_one_and_is_in() {
    let scene = scene().await;
    set(&scene.dana, "required").await;
    let answer = scene.world.sign_in(&scene.who.email, PASSWORD).await;
    assert!(answer.cookie(cookie::name(Audience::Portal)).is_none());
    let opened = answer.problem(403, "factor_enrollment_required");
    let challenge = opened["challenge"].clone();
    // It opens adding a factor, and nothing else.
    scene.second(&opened, "totp", "000000").await.problem(401, "challenge_expired");
    let send = async |method: &str, path: &str, body: Value| {
        scene.world.send(Call::new(method, &format!("{ACCOUNT}/{path}")).json(&body)).await
    };
    let given = send("POST", "totp", json!({"challenge": challenge})).await.expect(200);
    let app = Authenticator::new(&text(&given["secret"]));
    let wrong = json!({"challenge": challenge, "code": "000000"});
    send("PUT", "totp", wrong).await.problem(422, "wrong_code");
    let code = app.code(scene.world.now());
    let right = json!({"challenge": challenge, "code": code});
    send("PUT", "totp", right.clone()).await.expect(204);
    // Over for adding: what was added is what counts.
    send("POST", "totp", json!({"challenge": challenge})).await.problem(401, "challenge_expired");
    send("PUT", "totp", right).await.problem(401, "challenge_expired");
    // The same code signs in by it, once; elsewhere it is used.
    let other = scene.challenge().await;
    scene.second(&other, "totp", &code).await.problem(401, "factor_failed");
    signs_in(scene.second(&opened, "totp", &code).await);
    scene.second(&opened, "totp", &code).await.problem(401, "challenge_expired");
    assert!(scene.subject().await.contains("was added"));
}

#[tokio::test]
async fn a_passkey_added_by_a_challenge_signs_in_alone() {
    let scene = scene().await;
    set(&scene.dana, "required").await;
    let answer = scene.world.sign_in(&scene.who.email, PASSWORD).await;
    let challenge = answer.problem(403, "factor_enrollment_required")["challenge"].clone();
    let send = async |path: &str, body: Value| {
        scene.world.send(Call::new("POST", &format!("{ACCOUNT}/{path}")).json(&body)).await
    };
    let asked = send("passkeys/options", json!({"challenge": challenge})).await.expect(200);
    let mut device = Device::at(&scene.world.app.config().portal_origin, 1);
    let made = device.create(&asked["options"]);
    let body = json!({"name": "Phone", "credential": made, "challenge": challenge});
    send("passkeys", body.clone()).await.expect(201);
    send("passkeys", body).await.problem(401, "challenge_expired");
    signs_in(scene.alone(&mut device).await);
}

#[tokio::test]
async fn a_password_reset_removes_no_factor() {
    let scene = scene().await;
    let app = scene.app().await;
    scene.world.forgot(&scene.who.email).await.expect(202);
    scene.world.deliver().await;
    let token = scene.world.post.newest(&scene.who.email).token();
    scene.world.choose(&token, NEW).await.expect(204);
    let answer = scene.world.sign_in(&scene.who.email, NEW).await;
    let challenge = answer.problem(401, "second_factor_required");
    signs_in(scene.second(&challenge, "totp", &app.code(scene.world.now())).await);
}

#[tokio::test]
async fn the_sign_in_of_two_factors_is_told_to_apps() {
    let scene = scene().await;
    let room = scene.dana.register(&json!({"permission": null})).await;
    let claims = async |answer: Answer| {
        let cookie = answer.cookie(cookie::name(Audience::Portal)).expect("a session");
        let code = scene.world.code(&cookie, &room).await;
        let tokens = scene.world.exchange(&room, &code).await.expect(200);
        let told = apps::claims(&text(&tokens["id_token"]));
        (told["acr"].clone(), told["amr"].clone())
    };
    let (one, two) = ("urn:latchkey:acr:password", "urn:latchkey:acr:two-factors");
    let plain = scene.world.sign_in(&scene.who.email, PASSWORD).await;
    assert_eq!(claims(plain).await, (json!(one), json!(["pwd"])));
    let app = scene.app().await;
    let step = scene.second(&scene.challenge().await, "totp", &app.code(scene.world.now())).await;
    assert_eq!(claims(step).await, (json!(two), json!(["pwd", "otp", "mfa"])));
    let (mut device, _) = scene.passkey(1).await;
    let alone = scene.alone(&mut device).await;
    assert_eq!(claims(alone).await, (json!(two), json!(["pop", "user", "mfa"])));
}

#[tokio::test]
async fn a_practice_that_offers_none_takes_nobody_s_protection_away() {
    let scene = scene().await;
    let app = scene.app().await;
    set(&scene.dana, "off").await;
    scene.call("POST", "totp", &proof()).await.problem(409, "second_factor_off");
    scene.call("POST", "passkeys/options", &proof()).await.problem(409, "second_factor_off");
    signs_in(scene.second(&scene.challenge().await, "totp", &app.code(scene.world.now())).await);
}

#[tokio::test]
async fn enrolling_for_another_chart_is_no_way_around_the_factor() {
    let scene = scene().await;
    let app = scene.app().await;
    let child = scene.dana.client("Nia", "Person", "2018-05-04").await;
    let body = json!({
        "name": {"first": "Pat", "last": "Person"}, "email": scene.who.email, "relationship": "parent",
        "permissions": ["basic"], "samePerson": true,
    });
    let path = format!("/api/clients/{child}/portal-users");
    scene.dana.post(&path, &body).await.expect(201);
    scene.world.deliver().await;
    let token = scene.world.post.newest(&scene.who.email).token();
    let answer = scene.world.enroll(&token, "Person", "2018-05-04", PASSWORD).await;
    assert!(answer.cookie(cookie::name(Audience::Portal)).is_none());
    answer.expect(204);
    let challenge = scene.challenge().await;
    let session = signs_in(scene.second(&challenge, "totp", &app.code(scene.world.now())).await);
    assert_eq!(session["charts"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn who_enrols_where_a_factor_is_required_is_led_to_one() {
    let scene = scene().await;
    set(&scene.dana, "required").await;
    let client = scene.dana.client("Ola", "Newman", "1984-03-12").await;
    let invited = scene.dana.invite(&client, "ola@people.example").await;
    let answer = scene.world.enroll(&invited.token, "Newman", "1984-03-12", PASSWORD).await;
    answer.expect(204);
    let answer = scene.world.sign_in("ola@people.example", PASSWORD).await;
    answer.problem(403, "factor_enrollment_required");
}

#[tokio::test]
async fn a_printed_code_stands_in_for_a_lost_factor_once() {
    let scene = scene().await;
    let path = format!("{}/factor-reset", scene.who.path());
    scene.dana.post(&path, &json!({})).await.problem(409, "no_second_factor");
    scene.app().await;
    let call = || Call::new("POST", &path).header("idempotency-key", "k");
    let made = scene.dana.send(call()).await.expect(201);
    let code = text(&made["code"]);
    let again = scene.dana.send(call()).await.expect(201);
    assert_eq!((again.get("code"), &again["expiresAt"]), (None, &made["expiresAt"]));
    assert!(scene.subject().await.contains("was printed"));
    assert!(scene.dana.actions(&scene.who.client).await.contains(&"factor-reset".to_owned()));
    let challenge = scene.challenge().await;
    assert_eq!(challenge["methods"], json!(["totp", "reset-code"]));
    signs_in(scene.second(&challenge, "reset-code", &code).await);
    let challenge = scene.challenge().await;
    assert_eq!(challenge["methods"], json!(["totp"]), "the lost one stays until it is removed");
    scene.second(&challenge, "reset-code", &code).await.problem(401, "factor_failed");
    // It ends after two days.
    let made = scene.dana.post(&path, &json!({})).await.expect(201);
    scene.world.pass(2 * 24 * 60 * 60);
    let challenge = scene.challenge().await;
    assert_eq!(challenge["methods"], json!(["totp"]));
    let late = scene.second(&challenge, "reset-code", &text(&made["code"])).await;
    late.problem(401, "factor_failed");
    let items = scene.world.items().await;
    assert!(items.values().all(|item| !item.contains(&code)));
}

#[tokio::test]
async fn a_printed_code_does_not_come_back_with_access_that_was_revoked() {
    let scene = scene().await;
    scene.app().await;
    let path = format!("{}/factor-reset", scene.who.path());
    let made = scene.dana.post(&path, &json!({})).await.expect(201);
    scene.world.pass(60);
    scene.dana.revoke(&scene.who).await.expect(200);
    scene.dana.activate(&scene.who).await.expect(200);
    let challenge = scene.challenge().await;
    assert_eq!(challenge["methods"], json!(["totp"]));
    let late = scene.second(&challenge, "reset-code", &text(&made["code"])).await;
    late.problem(401, "factor_failed");
    let made = scene.dana.post(&path, &json!({})).await.expect(201);
    let challenge = scene.challenge().await;
    signs_in(scene.second(&challenge, "reset-code", &text(&made["code"])).await);
}

#[tokio::test]
async fn a_passkey_signs_in_alone_and_as_the_second_step() {
    let scene = scene().await;
    let (mut device, id) = scene.passkey(1).await;
    assert!(scene.subject().await.contains("was added"));
    let passkeys = scene.factors().await["passkeys"].clone();
    assert_eq!((&passkeys[0]["passkeyId"], &passkeys[0]["name"]), (&json!(id), &json!("My phone")));
    assert!(passkeys[0].get("lastUsedAt").is_none());
    let question = scene.question().await;
    let options = &question["options"]["publicKey"];
    assert_eq!(options["userVerification"], "required");
    assert_eq!(options["allowCredentials"], json!([]), "the device finds it");
    scene.world.wire.forget();
    let credential = device.get(&question["options"]);
    let session = signs_in(scene.answer(&question, &credential).await);
    assert_eq!(scene.world.wire.seen(), ["BatchGetItem", "TransactWriteItems"]);
    assert_eq!(session["username"], scene.who.email.as_str());
    scene.answer(&question, &credential).await.problem(401, "challenge_expired");
    assert!(scene.factors().await["passkeys"][0]["lastUsedAt"].is_string());
    let challenge = scene.challenge().await;
    assert_eq!(challenge["methods"], json!(["passkey"]));
    let allowed = &challenge["passkey"]["publicKey"]["allowCredentials"];
    assert_eq!(allowed.as_array().map(Vec::len), Some(1));
    let credential = device.get(&challenge["passkey"]);
    signs_in(scene.second_by(&challenge, &credential).await);
    scene.second_by(&challenge, &credential).await.problem(401, "challenge_expired");
}

/// What is wrong with a passkey's answer.
#[derive(Debug, Clone, Copy)]
enum Wrong {
    Unverified,
    Origin,
    Party,
    Signature,
    Challenge,
}

#[tokio::test]
async fn a_passkey_that_is_not_right_in_one_thing_signs_nobody_in() {
    let scene = scene().await;
    let (mut device, _) = scene.passkey(1).await;
    let (origin, party) = (device.origin.clone(), device.party.clone());
    for wrong in
        [Wrong::Unverified, Wrong::Origin, Wrong::Party, Wrong::Signature, Wrong::Challenge]
    {
        let question = scene.question().await;
        match wrong {
            Wrong::Unverified => device.verified = false,
            Wrong::Origin => device.origin = "https://evil.example".into(),
            Wrong::Party => device.party = "evil.example".into(),
            Wrong::Signature | Wrong::Challenge => {}
        }
        let mut credential = device.get(&question["options"]);
        (device.verified, device.origin, device.party) = (true, origin.clone(), party.clone());
        let other = match wrong {
            // That of another question, over other data.
            Wrong::Signature => {
                let other = device.get(&scene.question().await["options"]);
                Some(("signature", other["response"]["signature"].clone()))
            }
            Wrong::Challenge => {
                credential = device.get(&scene.question().await["options"]);
                None
            }
            _ => None,
        };
        if let Some((member, value)) = other {
            credential["response"][member] = value;
        }
        let answer = scene.answer(&question, &credential).await;
        assert_eq!(answer.body["code"], "factor_failed", "{wrong:?}");
        answer.problem(401, "factor_failed");
        // One question is answered once.
        let right = device.get(&question["options"]);
        scene.answer(&question, &right).await.problem(401, "challenge_expired");
        scene.world.pass(24 * 60 * 60);
    }
    signs_in(scene.alone(&mut device).await);
    let refused = scene.events("sign-in-refused").await;
    let of = |reason: &str| refused.iter().filter(|event| event["reason"] == reason).count();
    assert_eq!((of("passkey"), of("challenge_expired")), (5, 5));
}

#[tokio::test]
async fn a_counter_that_does_not_rise_is_a_copy() {
    let scene = scene().await;
    let (mut device, _) = scene.passkey(1).await;
    device.counter = 7;
    signs_in(scene.alone(&mut device).await);
    scene.alone(&mut device).await.problem(401, "factor_failed");
    device.counter = 6;
    scene.alone(&mut device).await.problem(401, "factor_failed");
    device.counter = 8;
    signs_in(scene.alone(&mut device).await);
}

#[tokio::test]
async fn each_of_two_passkeys_signs_in_and_one_that_was_removed_does_not() {
    let scene = scene().await;
    let (mut phone, lost) = scene.passkey(1).await;
    let (mut computer, _) = scene.passkey(2).await;
    signs_in(scene.alone(&mut phone).await);
    signs_in(scene.alone(&mut computer).await);
    let name = json!({"name": "Old phone"});
    let path = format!("passkeys/{lost}");
    assert_eq!(scene.call("PATCH", &path, &name).await.expect(200)["name"], "Old phone");
    let begun = scene.challenge().await;
    let answer = phone.get(&begun["passkey"]);
    scene.call("DELETE", &path, &proof()).await.expect(204);
    assert!(scene.subject().await.contains("was removed"));
    scene.second_by(&begun, &answer).await.problem(401, "factor_failed");
    scene.alone(&mut phone).await.problem(401, "factor_failed");
    signs_in(scene.alone(&mut computer).await);
    scene.call("DELETE", &path, &proof()).await.problem(404, "not_found");
    scene.call("PATCH", &path, &name).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_passkey_answers_what_was_asked_and_is_added_once() {
    let scene = scene().await;
    let (mut device, _) = scene.passkey(1).await;
    let asked = scene.call("POST", "passkeys/options", &proof()).await.expect(200);
    let excluded = &asked["options"]["publicKey"]["excludeCredentials"];
    assert_eq!(excluded.as_array().map(Vec::len), Some(1), "the device says that it has one");
    let made = device.create(&asked["options"]);
    let body = json!({"name": "Again", "credential": made});
    scene.call("POST", "passkeys", &body).await.problem(422, "not_accepted");
    let mut other = Device::at(&device.origin, 2);
    other.verified = false;
    let body = |made: Value| json!({"name": "Other", "credential": made});
    let unverified = other.create(&asked["options"]);
    let problem = scene.call("POST", "passkeys", &body(unverified)).await;
    assert_eq!(problem.problem(422, "not_accepted")["fields"][0]["field"], "credential");
    other.verified = true;
    other.origin = "https://evil.example".into();
    let elsewhere = other.create(&asked["options"]);
    scene.call("POST", "passkeys", &body(elsewhere)).await.problem(422, "not_accepted");
    other.origin = device.origin.clone();
    let right = other.create(&asked["options"]);
    scene.world.pass(9 * 60);
    scene.computer.account().await.expect(200);
    scene.world.pass(60);
    let late = scene.call("POST", "passkeys", &body(right)).await;
    late.problem(422, "not_accepted");
    assert_eq!(scene.factors().await["passkeys"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_passkey_finds_its_account_after_the_sign_in_name_changed() {
    let scene = scene().await;
    let (mut device, _) = scene.passkey(1).await;
    let rename = async |to: &str| {
        let version = scene.dana.user(&scene.who).await["version"].clone();
        let edit = json!({"version": version, "username": to});
        scene.dana.patch(&scene.who.path(), &edit).await.expect(200);
    };
    rename("pat.the.first").await;
    let session = signs_in(scene.alone(&mut device).await);
    assert_eq!(session["username"], "pat.the.first");
    rename("pat.the.second").await;
    assert_eq!(signs_in(scene.alone(&mut device).await)["username"], "pat.the.second");
    rename(&scene.who.email).await;
    signs_in(scene.alone(&mut device).await);
    let signposts = scene.world.items().await.into_keys().filter(|key| key.contains("#Z#")).count();
    assert_eq!(signposts, 0, "at home again");
}

#[tokio::test]
async fn the_place_of_an_account_is_forgotten_with_the_account() {
    let scene = scene().await;
    scene.passkey(1).await;
    let version = scene.dana.user(&scene.who).await["version"].clone();
    let edit = json!({"version": version, "username": "pat.the.first"});
    scene.dana.patch(&scene.who.path(), &edit).await.expect(200);
    let places = async || {
        let items = scene.world.items().await.into_keys();
        items.filter(|key| key.contains("#Z#")).count()
    };
    assert_eq!(places().await, 1);
    // With another chart the account stays, and so does its place.
    let other = scene.dana.client("Wren", "Okafor", "1984-03-12").await;
    let body = json!({
        "name": {"first": "Pat", "last": "Person"}, "email": scene.who.email,
        "username": "pat.the.first", "relationship": "parent", "permissions": ["basic"],
    });
    let path = format!("/api/clients/{other}/portal-users");
    let added = scene.dana.post(&path, &body).await.expect(201);
    scene.dana.delete(&scene.who, "confirm=delete").await.expect(200);
    assert_eq!(places().await, 1);
    let last = Invited { client: other, user: text(&added["portalUserId"]), ..scene.who.clone() };
    scene.dana.delete(&last, "confirm=delete").await.expect(200);
    assert_eq!(places().await, 0);
}

/// A passkey cannot be guessed.
#[tokio::test]
async fn wrong_passwords_do_not_close_the_way_of_a_passkey_on_a_new_device() {
    let scene = scene().await;
    let (mut device, _) = scene.passkey(1).await;
    for _ in 0..5 {
        scene.world.sign_in(&scene.who.email, NEW).await.problem(401, "sign_in_failed");
    }
    scene.world.sign_in(&scene.who.email, PASSWORD).await.problem(429, "too_many_attempts");
    signs_in(scene.alone(&mut device).await);
    // Nor of a network from which many names are tried.
    let nobody = json!({"practice": "nowhere", "username": "a", "password": NEW});
    for _ in 0..45 {
        scene.world.send(Call::new("POST", "/api/portal/sign-in").json(&nobody)).await.expect(401);
    }
    let answer = scene.world.sign_in("another", NEW).await;
    answer.problem(429, "too_many_attempts");
    signs_in(scene.alone(&mut device).await);
    // The password waits as before: it was guessed at.
    scene.world.sign_in(&scene.who.email, PASSWORD).await.problem(429, "too_many_attempts");
}

#[tokio::test]
async fn passkeys_that_are_not_right_are_counted_per_network_and_lock_no_password() {
    let scene = scene().await;
    let (mut device, _) = scene.passkey(1).await;
    let stale = device.get(&scene.question().await["options"]);
    for _ in 0..50 {
        let question = scene.question().await;
        scene.answer(&question, &stale).await.problem(401, "factor_failed");
    }
    scene.alone(&mut device).await.problem(429, "too_many_attempts");
    assert_eq!(scene.events("sign-in-refused").await.len(), 50);
    let locked = scene.events("locked").await;
    assert_eq!((locked.len(), &locked[0]["reason"]), (1, &json!("address")));
    scene.challenge().await;
    // From elsewhere the person comes in.
    let question = scene.question().await;
    let credential = device.get(&question["options"]);
    let body = json!({"challenge": question["challenge"], "credential": credential});
    let call = Call::new("POST", "/api/portal/sign-in/passkey").json(&body).from("203.0.113.9");
    signs_in(scene.world.send(call).await);
    scene.world.pass(15 * 60);
    signs_in(scene.alone(&mut device).await);
}

/// As the second step of a sign-in does.
#[tokio::test]
async fn a_challenge_that_opens_nothing_is_recorded_wherever_it_is_sent() {
    let scene = scene().await;
    set(&scene.dana, "required").await;
    let asked = scene.world.sign_in(&scene.who.email, PASSWORD).await;
    let challenge = asked.problem(403, "factor_enrollment_required")["challenge"].clone();
    scene.world.pass(10 * 60);
    let credential = json!({});
    let calls = [
        ("POST", "passkeys/options", json!({})),
        ("POST", "passkeys", json!({"name": "My phone", "credential": credential})),
        ("POST", "totp", json!({})),
        ("PUT", "totp", json!({"code": "000000"})),
    ];
    // Over, and one that was never made.
    let mut told = 0;
    for challenge in [challenge, json!("harbor.AAAA")] {
        for (method, path, body) in &calls {
            let mut body = body.clone();
            body["challenge"] = challenge.clone();
            let call = Call::new(method, &format!("{ACCOUNT}/{path}")).json(&body);
            scene.world.send(call).await.problem(401, "challenge_expired");
            let events = scene.events("sign-in-refused").await;
            told += 1;
            assert_eq!(events.len(), told, "{method} {path} {challenge}");
            assert_eq!(events.last().expect("an event")["reason"], "challenge_expired");
        }
    }
    // What no practice has is counted against where it came from.
    let body = json!({"challenge": "nowhere.AAAA"});
    let call = Call::new("POST", &format!("{ACCOUNT}/totp")).json(&body);
    scene.world.send(call).await.problem(401, "challenge_expired");
    assert_eq!(scene.events("sign-in-refused").await.len(), told);
}

#[tokio::test]
async fn a_passkey_opens_its_own_account_alone_even_when_another_has_its_sign_in_name() {
    let mut scene = scene().await;
    scene.passkey(1).await;
    let kim = scene.dana.enroll_for(&scene.who.client, "kim@mail.example").await;
    let dana = scene.dana.clone();
    let rename = async |who: &Invited, to: &str| {
        let edit = json!({"version": dana.user(who).await["version"], "username": to});
        dana.patch(&who.path(), &edit).await.expect(200);
    };
    rename(&kim, "kim.the.first").await;
    scene.computer = scene.world.browser("kim.the.first", PASSWORD, "hers").await;
    let (mut hers, _) = scene.passkey(2).await;
    let begun = scene.challenge().await;
    let answer = hers.get(&begun["passkey"]);
    scene.second_by(&begun, &answer).await.problem(401, "factor_failed");
    rename(&kim, "kim.the.second").await;
    rename(&scene.who, "kim.the.first").await;
    assert_eq!(signs_in(scene.alone(&mut hers).await)["username"], "kim.the.second");
}

#[tokio::test]
async fn a_passkey_of_somebody_who_was_deleted_or_of_another_practice_opens_nothing() {
    let scene = scene().await;
    let (mut device, _) = scene.passkey(1).await;
    let body = json!({"practice": "cove"});
    let path = "/api/portal/sign-in/passkey/options";
    let question = scene.world.send(Call::new("POST", path).json(&body)).await.expect(200);
    let credential = device.get(&question["options"]);
    scene.answer(&question, &credential).await.problem(401, "factor_failed");
    let body = json!({"practice": "nowhere"});
    scene.world.send(Call::new("POST", path).json(&body)).await.problem(404, "not_found");
    scene.dana.delete(&scene.who, "confirm=delete").await.expect(200);
    scene.alone(&mut device).await.problem(401, "factor_failed");
}

#[tokio::test]
async fn a_code_that_nobody_is_mailed_of_is_of_the_access_as_it_was_too() {
    let scene = scene().await;
    let client = scene.dana.client("Amara", "Okafor", "1984-03-12").await;
    let body = json!({
        "name": {"first": "Rosa", "last": "Okafor"}, "username": "rosa.okafor", "relationship": "parent",
        "permissions": ["basic"],
    });
    let path = format!("/api/clients/{client}/portal-users");
    let added = scene.dana.post(&path, &body).await.expect(201);
    let user = text(&added["portalUserId"]);
    let who = Invited { client, user, email: "rosa.okafor".into(), token: String::new() };
    let path = format!("{}/sheet", who.path());
    let sheet = scene.dana.send(Call::new("POST", &path)).await.expect(201);
    let link = text(&sheet["link"]);
    let (_, token) = link.split_once('#').expect("a token behind #");
    scene.world.enroll(token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    let computer = scene.world.browser(&who.email, PASSWORD, "computer").await;
    let scene = Scene { who, computer, ..scene };
    scene.app().await;

    let path = format!("{}/factor-reset", scene.who.path());
    let call = || Call::new("POST", &path).header("idempotency-key", "k");
    let version = async || scene.dana.user(&scene.who).await["version"].as_u64();
    let before = version().await;
    scene.dana.send(call()).await.expect(201);
    assert!(version().await > before, "what was read before it is stale");
    scene.dana.delete(&scene.who, "confirm=delete").await.expect(200);
    scene.dana.send(call()).await.problem(409, "deleted");
}

#[tokio::test]
async fn staff_see_who_has_a_second_factor_on_every_chart() {
    let scene = scene().await;
    let dana = &scene.dana;
    let sibling = dana.client("Zoe", "Okafor", "1984-03-12").await;
    let there = dana.invite(&sibling, &scene.who.email).await;
    let other = dana.enroll_for(&scene.who.client, "another@mail.example").await;
    let seen = async || {
        let mut seen = Vec::new();
        for who in [&scene.who, &there, &other] {
            seen.push(dana.user(who).await["secondFactor"].clone());
        }
        json!(seen)
    };
    assert_eq!(seen().await, json!([false, false, false]));
    scene.call("POST", "totp", &proof()).await.expect(200);
    assert_eq!(seen().await, json!([false, false, false]), "it has shown no code yet");
    scene.app().await;
    assert_eq!(seen().await, json!([true, true, false]));
    scene.call("DELETE", "totp", &proof()).await.expect(204);
    assert_eq!(seen().await, json!([false, false, false]));
    scene.passkey(1).await;
    assert_eq!(seen().await, json!([true, true, false]));
    let shown = dana.users(&scene.who.client).await.to_string();
    assert!(!shown.contains("passkey") && !shown.contains("totp"), "and not which");
}
