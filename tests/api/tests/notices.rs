//! Apps are told that a session ended, or that a chart closed in it: each that got a token there, in the
//! transaction that ended it, and again until it listens.

use std::sync::{Arc, Mutex};

use api_tests::{
    Call, PASSWORD, PORTAL, World,
    apps::{Room, claims as claims_of, parameter},
    people::{Invited, Staff, text},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use deliver::Messenger;
use serde_json::{Value, json};
use shared::{history::Role, keys::Key, oauth::address::Address};

const OUT: &str = "https://rooms.example/out";

/// What reached apps: the address, and the logout token.
type Told = Arc<Mutex<Vec<(String, String)>>>;

pub(crate) struct Scene {
    pub(crate) world: World,
    dana: Staff,
    who: Invited,
    pub(crate) cookie: String,
    pub(crate) room: Room,
    told: Told,
    /// What the apps answer; nothing for no answer.
    answer: Arc<Mutex<Option<u16>>>,
    messenger: Messenger,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let dana = world.dana().await;
        let who = dana.enrolled().await;
        let room = dana.register(&json!({"logoutUri": OUT})).await;
        let cookie = world.signed_in(&who.email, PASSWORD).await;
        let (told, answer) = (Told::default(), Arc::new(Mutex::new(Some(200))));
        let (heard, says) = (told.clone(), answer.clone());
        let post = Arc::new(move |address: Address, token: String| {
            let answer = *says.lock().expect("a lock");
            if answer.is_some() {
                let said = (address.as_str().to_owned(), token);
                heard.lock().expect("a lock").push(said);
            }
            Box::pin(async move { answer }) as futures::future::BoxFuture<'static, Option<u16>>
        });
        let messenger = Messenger::new(world.app.clone(), post);
        Self { world, dana, who, cookie, room, told, answer, messenger }
    }

    fn says(&self, answer: Option<u16>) {
        *self.answer.lock().expect("a lock") = answer;
    }

    /// The notices that wait, or waited.
    async fn notices(&self) -> Vec<(Key, Value)> {
        let main = &self.world.database.tables().main;
        let items = self.world.snapshot().await.items(main).into_iter();
        let notices = items.filter(|((_, sk), _)| sk.starts_with("NOTICE#"));
        notices.map(|((pk, sk), item)| (Key { pk, sk }, item)).collect()
    }

    /// Delivers what waits; answers how many have to be told again.
    pub(crate) async fn deliver(&self) -> usize {
        let mut left = 0;
        for (key, _) in self.notices().await {
            left += usize::from(self.messenger.tell(&key).await.is_err());
        }
        left
    }

    /// What apps were told since the last look: the claims of each logout token.
    pub(crate) fn heard(&self) -> Vec<Value> {
        let told = std::mem::take(&mut *self.told.lock().expect("a lock"));
        told.iter().map(|(_, token)| claims(token)).collect()
    }

    async fn apps_of(&self, who: &Invited) -> Value {
        self.dana.user(who).await["apps"].clone()
    }

    /// As a page asks that waits for word to come.
    async fn progress(&self) -> Value {
        self.dana.get(&format!("{}/progress", self.who.path())).await.expect(200)["apps"].clone()
    }
}

fn claims(token: &str) -> Value {
    let part = |n: usize| -> Value {
        let part = token.split('.').nth(n).expect("a part");
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
    };
    assert_eq!(part(0)["typ"], "logout+jwt");
    assert_eq!(part(0)["alg"], "ES256");
    part(1)
}

#[tokio::test]
async fn a_revocation_is_told_to_the_apps_that_were_open_and_staff_see_how_far_word_has_come() {
    let scene = Scene::new().await;
    let (world, dana, who) = (&scene.world, &scene.dana, &scene.who);
    let code = world.code(&scene.cookie, &scene.room).await;
    let tokens = world.exchange(&scene.room, &code).await.expect(200);
    let id_token = text(&tokens["id_token"]);
    let open = json!([{"appId": scene.room.id, "name": "Messages"}]);
    assert_eq!(dana.user(who).await["openApps"], open);
    let receipt = dana.revoke(who).await.expect(200);
    let telling = json!([{"appId": scene.room.id, "name": "Messages", "state": "telling"}]);
    assert_eq!(receipt["apps"], telling);
    assert_eq!(receipt["portalUser"]["apps"], telling);
    let how = json!([{"appId": scene.room.id, "state": "telling"}]);
    assert_eq!(scene.progress().await, how, "without names");
    assert!(scene.heard().is_empty(), "by itself, and not before the answer");

    assert_eq!(scene.deliver().await, 0);
    let heard = scene.heard();
    let part = id_token.split('.').nth(1).expect("claims");
    let known: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON");
    assert_eq!(heard.len(), 1);
    let now = world.now().seconds();
    assert_eq!(heard[0]["iss"], PORTAL);
    assert_eq!(heard[0]["aud"], scene.room.id);
    assert_eq!((&heard[0]["sub"], &heard[0]["sid"]), (&known["sub"], &known["sid"]));
    assert_eq!((&heard[0]["iat"], &heard[0]["exp"]), (&json!(now), &json!(now + 120)));
    assert_eq!(
        heard[0]["events"],
        json!({"http://schemas.openid.net/event/backchannel-logout": {}})
    );
    assert!(heard[0].get("nonce").is_none() && heard[0]["jti"].is_string());
    let told = json!([{"appId": scene.room.id, "name": "Messages", "state": "told"}]);
    assert_eq!(scene.apps_of(who).await, told);
    let before = world.events().await;
    assert_eq!(scene.progress().await[0]["state"], "told");
    assert_eq!(world.events().await, before, "asking again leaves no event");
    // A repeated revocation answers the same, and tells nobody again.
    assert_eq!(dana.revoke(who).await.expect(200)["apps"], told);
    assert_eq!((scene.deliver().await, scene.heard().len()), (0, 0));
}

#[tokio::test]
async fn whatever_ends_a_session_is_told() {
    let scene = Scene::new().await;
    let (world, dana, who) = (&scene.world, &scene.dana, &scene.who);
    let heard = async |what: &str| {
        assert_eq!(scene.deliver().await, 0, "{what}");
        assert_eq!(scene.heard().len(), 1, "{what}");
    };
    world.token(&scene.cookie, &scene.room).await;
    world.send(Call::new("DELETE", "/api/portal/session").cookie(&scene.cookie)).await.expect(204);
    heard("signed out").await;

    let cookie = world.signed_in(&who.email, PASSWORD).await;
    world.token(&cookie, &scene.room).await;
    let call = Call::new("POST", "/api/portal/sign-out").json(&json!({})).cookie(&cookie);
    world.send(call).await.expect(200);
    heard("signed out on the way from an app").await;

    let cookie = world.signed_in(&who.email, PASSWORD).await;
    world.token(&cookie, &scene.room).await;
    world.forgot(&who.email).await.expect(202);
    world.deliver().await;
    let reset = world.post.newest(&who.email).token();
    world.choose(&reset, "another nine grey pebbles").await.expect(204);
    heard("another password").await;

    let cookie = world.signed_in(&who.email, "another nine grey pebbles").await;
    world.token(&cookie, &scene.room).await;
    let edit = json!({"version": dana.user(who).await["version"], "username": "another.name"});
    dana.patch(&who.path(), &edit).await.expect(200);
    heard("another sign-in name").await;

    let cookie = world.signed_in("another.name", "another nine grey pebbles").await;
    world.token(&cookie, &scene.room).await;
    for _ in 0..10 {
        world.signed_in("another.name", "another nine grey pebbles").await;
    }
    heard("ten newer sessions").await;

    let cookie = world.signed_in("another.name", "another nine grey pebbles").await;
    world.token(&cookie, &scene.room).await;
    let receipt = dana.delete(who, "confirm=delete").await.expect(200);
    assert_eq!(receipt["apps"][0]["state"], "telling");
    heard("deleted").await;
}

#[tokio::test]
async fn a_permission_taken_away_is_told_to_the_apps_that_it_closes() {
    let scene = Scene::new().await;
    let (world, dana, who) = (&scene.world, &scene.dana, &scene.who);
    let edit = async |changes: Value| {
        let mut edit = changes;
        edit["version"] = dana.user(who).await["version"].clone();
        dana.patch(&who.path(), &edit).await.expect(200)
    };
    let heard = async || {
        assert_eq!(scene.deliver().await, 0);
        let mut apps: Vec<String> = scene.heard().iter().map(|told| text(&told["aud"])).collect();
        apps.sort();
        apps.join(" ")
    };
    // One for messages, one that asks for scopes, and one that got no token.
    let wide = dana.register(&json!({"permission": null, "logoutUri": OUT})).await;
    let idle = dana.register(&json!({"name": "Idle", "logoutUri": OUT})).await;
    world.code(&scene.cookie, &idle).await;
    world.token(&scene.cookie, &scene.room).await;
    let both = json!({"scope": "openid basic messaging"});
    let back = world.authorize(&scene.cookie, &wide, &both).await.expect(200);
    let code = parameter(&text(&back["redirectTo"]), "code").expect("a code");
    let token = text(&world.exchange(&wide, &code).await.expect(200)["access_token"]);

    edit(json!({"permissions": ["basic", "documents", "messaging"]})).await;
    edit(json!({"relationship": "guardian", "name": {"first": "Another", "last": "Name"}})).await;
    assert_eq!(heard().await, "", "nothing was taken away");

    let view = edit(json!({"permissions": ["basic", "documents"]})).await;
    let telling = json!([{"appId": scene.room.id, "name": "Messages", "state": "telling"}]);
    assert_eq!(view["apps"], telling);
    assert_eq!(view["openApps"], json!([{"appId": wide.id, "name": "Messages"}]));
    assert_eq!(heard().await, scene.room.id, "the other may still show the chart");
    assert_eq!(world.introspect(&wide, &token).await["active"], true);
    assert_eq!(scene.apps_of(who).await[0]["state"], "told");

    let view = edit(json!({"permissions": ["documents"]})).await;
    assert_eq!(view.get("openApps"), None);
    assert_eq!(heard().await, wide.id, "none of its scopes is left");
    edit(json!({"permissions": []})).await;
    assert_eq!(heard().await, "", "each is told once");

    // With a new sign-in name all sessions end: of each there is one word.
    edit(json!({"permissions": ["basic", "messaging"]})).await;
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    world.token(&cookie, &scene.room).await;
    scene.deliver().await;
    scene.heard();
    edit(json!({"permissions": ["basic"], "username": "another.name"})).await;
    let all = [&*scene.room.id, &*scene.room.id, &*wide.id].join(" ");
    assert_eq!(heard().await, all);
}

/// An app may have got more in one session than in another.
#[tokio::test]
async fn of_a_permission_taken_away_an_app_is_told_for_the_sessions_that_lived_by_it() {
    let scene = Scene::new().await;
    let (world, dana, who) = (&scene.world, &scene.dana, &scene.who);
    let wide = dana.register(&json!({"permission": null, "logoutUri": OUT})).await;
    let other = world.signed_in(&who.email, PASSWORD).await;
    let enter = async |cookie: &str, scope: &str| {
        let asked = json!({"scope": scope});
        let back = world.authorize(cookie, &wide, &asked).await.expect(200);
        let code = parameter(&text(&back["redirectTo"]), "code").expect("a code");
        let tokens = world.exchange(&wide, &code).await.expect(200);
        claims_of(&text(&tokens["id_token"]))["sid"].clone()
    };
    let narrow = enter(&scene.cookie, "openid messaging").await;
    enter(&other, "openid messaging").await;
    enter(&other, "openid basic").await;
    let edit = json!({"version": dana.user(who).await["version"], "permissions": ["basic"]});
    dana.patch(&who.path(), &edit).await.expect(200);
    assert_eq!(scene.deliver().await, 0);
    let heard: Vec<Value> = scene.heard().iter().map(|told| told["sid"].clone()).collect();
    assert_eq!(heard, [narrow]);
}

#[tokio::test]
async fn nobody_is_told_who_got_no_token_there() {
    let scene = Scene::new().await;
    let (world, dana, who) = (&scene.world, &scene.dana, &scene.who);
    // A code that was not used, a check, another session.
    world.code(&scene.cookie, &scene.room).await;
    world.may_pass(&scene.cookie, &format!("app={}", scene.room.id)).await.expect(204);
    let other = dana.enrolled().await;
    let others = world.signed_in(&other.email, PASSWORD).await;
    world.token(&others, &scene.room).await;
    let receipt = dana.revoke(who).await.expect(200);
    assert_eq!(receipt["apps"], json!([]));
    assert!(scene.notices().await.is_empty());
}

/// An app may let somebody in for longer than the portal does: nobody told it that the time had run out.
#[tokio::test]
async fn a_session_whose_time_has_run_out_is_told_when_it_is_ended() {
    let scene = Scene::new().await;
    let (world, who) = (&scene.world, &scene.who);
    world.token(&scene.cookie, &scene.room).await;
    world.pass(10 * 60);
    let out = Call::new("DELETE", "/api/portal/session").cookie(&scene.cookie);
    world.send(out.clone()).await.problem(401, "signed_out");
    assert_eq!((scene.deliver().await, scene.heard().len()), (0, 1), "signed out");
    world.send(out).await.problem(401, "signed_out");
    assert_eq!((scene.deliver().await, scene.heard().len()), (0, 0), "once");

    let cookie = world.signed_in(&who.email, PASSWORD).await;
    world.token(&cookie, &scene.room).await;
    world.pass(10 * 60);
    let dana = world.dana().await;
    assert_eq!(dana.user(who).await.get("openApps"), None);
    let receipt = dana.revoke(who).await.expect(200);
    assert_eq!(receipt["apps"][0]["state"], "telling");
    assert_eq!(receipt["ended"]["sessions"], 0);
    assert_eq!((scene.deliver().await, scene.heard().len()), (0, 1), "revoked");
    // An activation tells nobody, and shows none of it.
    assert_eq!(dana.activate(who).await.expect(200)["apps"], json!([]));
}

/// No account is looked for then: an app hears of it when it asks, or when its session is come across.
#[tokio::test]
async fn when_all_sessions_of_the_practice_end_apps_are_refused_at_once_and_told_at_the_next_occasion()
 {
    let scene = Scene::new().await;
    let (world, dana, who) = (&scene.world, &scene.dana, &scene.who);
    let end_all = async || {
        let now = world.now();
        world.practice("harbor", "Harbor Practice", |p| p.sessions_from = Some(now)).await;
        world.pass_millis(1);
    };
    let closed = async |cookie: &str, token: &str| {
        assert_eq!(world.introspect(&scene.room, token).await, json!({"active": false}));
        world.userinfo(token).await.oauth(401, "invalid_token");
        let check = world.may_pass(cookie, &format!("app={}", scene.room.id)).await;
        check.problem(401, "signed_out");
        assert_eq!(scene.deliver().await, 0);
        assert!(scene.heard().is_empty(), "nobody was looked for");
    };
    let token = world.token(&scene.cookie, &scene.room).await;
    let code = world.code(&scene.cookie, &scene.room).await;
    end_all().await;
    world.exchange(&scene.room, &code).await.oauth(400, "invalid_grant");
    closed(&scene.cookie, &token).await;
    // Nor is the session one of those that live.
    let felix = world.staff("harbor", "Felix", Role::Admin).await;
    assert_eq!(felix.user(who).await.get("openApps"), None);
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    assert_eq!((scene.deliver().await, scene.heard().len()), (0, 1), "at the next sign-in");

    let token = world.token(&cookie, &scene.room).await;
    end_all().await;
    closed(&cookie, &token).await;
    let felix = world.staff("harbor", "Felix", Role::Admin).await;
    let receipt = felix.revoke(who).await.expect(200);
    assert_eq!(receipt["ended"]["sessions"], 0);
    assert_eq!(receipt["apps"][0]["state"], "telling");
    assert_eq!((scene.deliver().await, scene.heard().len()), (0, 1), "at the next ending");
    dana.get("/api/staff/session").await.problem(401, "signed_out");
}

/// With the ID token an app may have let somebody in, whatever became of the access token.
#[tokio::test]
async fn an_app_that_gave_its_token_back_is_told_all_the_same() {
    let scene = Scene::new().await;
    let (world, dana, who) = (&scene.world, &scene.dana, &scene.who);
    for again in [false, true] {
        let token = world.token(&scene.cookie, &scene.room).await;
        if !again {
            let fields = [("token", &*token)];
            world.ask_as(&scene.room, "/api/oauth/revoke", &fields).await.expect(200);
        }
        let open = dana.user(who).await["openApps"].clone();
        assert_eq!(open[0]["appId"], scene.room.id, "{again}");
    }
    assert_eq!(dana.revoke(who).await.expect(200)["apps"][0]["state"], "telling");
    assert_eq!((scene.deliver().await, scene.heard().len()), (0, 1));
}

#[tokio::test]
async fn a_browser_that_enrols_leaves_no_session_behind() {
    let scene = Scene::new().await;
    let (world, dana) = (&scene.world, &scene.dana);
    world.token(&scene.cookie, &scene.room).await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let token = dana.invite(&client, "another@mail.example").await.token;
    let proof = json!({
        "token": token, "lastName": "Okafor", "dateOfBirth": "1984-03-12", "password": PASSWORD,
    });
    let enroll = Call::new("POST", "/api/portal/enrollment").json(&proof).cookie(&scene.cookie);
    world.send(enroll).await.expect(201);
    let session = Call::new("GET", "/api/portal/session").cookie(&scene.cookie);
    world.send(session).await.problem(401, "signed_out");
    assert_eq!((scene.deliver().await, scene.heard().len()), (0, 1));
}

#[tokio::test]
async fn an_app_that_does_not_listen_is_told_again_for_a_day_with_growing_pauses() {
    let scene = Scene::new().await;
    let (world, dana, who) = (&scene.world, &scene.dana, &scene.who);
    world.token(&scene.cookie, &scene.room).await;
    let deaf = dana.register(&json!({"name": "Deaf", "logoutUri": null})).await;
    world.token(&scene.cookie, &deaf).await;
    dana.revoke(who).await.expect(200);
    let state = async |n: usize| text(&scene.apps_of(who).await[n]["state"]);
    scene.says(Some(500));
    assert_eq!(scene.deliver().await, 1);
    assert_eq!((state(0).await, state(1).await), ("telling".into(), "failed".into()));
    let mut ids: Vec<Value> = scene.heard().iter().map(|claims| claims["jti"].clone()).collect();
    for (pause, answer) in [(5, Some(302)), (10, Some(404)), (20, None), (40, Some(503))] {
        world.pass(pause - 1);
        scene.says(answer);
        scene.deliver().await;
        assert!(scene.heard().is_empty(), "not before its time");
        world.pass(1);
        assert_eq!(scene.deliver().await, 1, "{answer:?}");
        ids.extend(scene.heard().iter().map(|claims| claims["jti"].clone()));
    }
    let distinct: std::collections::BTreeSet<String> = ids.iter().map(Value::to_string).collect();
    assert_eq!((ids.len(), distinct.len()), (4, 4), "each try has an id of its own");
    world.pass(60 * 60);
    scene.says(Some(204));
    assert!(scene.messenger.sweep().await.expect("swept").is_empty(), "the sweep finds it");
    assert_eq!(scene.heard().len(), 1);
    let dana = world.dana().await;
    assert_eq!(dana.user(who).await["apps"][0]["state"], "told");

    dana.activate(who).await.expect(200);
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    world.token(&cookie, &scene.room).await;
    dana.revoke(who).await.expect(200);
    scene.says(None);
    for _ in 0..30 {
        scene.deliver().await;
        world.pass(60 * 60);
    }
    assert_eq!(scene.deliver().await, 0, "given up");
    let dana = world.dana().await;
    assert_eq!(dana.user(who).await["apps"][0]["state"], "failed");
}

#[tokio::test]
async fn word_of_an_older_ending_changes_nothing_of_a_newer_one() {
    let scene = Scene::new().await;
    let (world, dana, who) = (&scene.world, &scene.dana, &scene.who);
    world.token(&scene.cookie, &scene.room).await;
    dana.revoke(who).await.expect(200);
    let old = scene.notices().await[0].0.clone();
    dana.activate(who).await.expect(200);
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    world.token(&cookie, &scene.room).await;
    dana.revoke(who).await.expect(200);
    scene.messenger.tell(&old).await.expect("told");
    assert_eq!(scene.apps_of(who).await[0]["state"], "telling");
    assert_eq!(scene.deliver().await, 0);
    assert_eq!(scene.apps_of(who).await[0]["state"], "told");
    // Handed over twice, and out of order: who was told is not told again.
    scene.heard();
    scene.deliver().await;
    assert!(scene.heard().is_empty());
}
