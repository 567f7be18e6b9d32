//! An app asks while its door shuts, in every order of their requests to the table.

use api_tests::{
    Answer, Call, World,
    apps::{Scene, parameter},
    wire::Operations,
};
use serde_json::json;

/// What shuts a token.
#[derive(Debug, Clone, Copy)]
enum Shut {
    Revoke,
    Close,
    Delete,
    SignOut,
    SwitchOff,
}

/// What an app does meanwhile.
#[derive(Debug, Clone, Copy)]
enum Ask {
    Code,
    Token,
    Introspect,
    Check,
}

async fn shut_by(scene: &Scene, by: Shut) -> Answer {
    match by {
        Shut::Revoke => scene.dana.revoke(&scene.who).await,
        Shut::Close => scene.dana.close(&scene.who.client, &json!({"reason": "left"})).await,
        Shut::Delete => scene.dana.delete(&scene.who, "confirm=delete").await,
        Shut::SignOut => {
            let call = Call::new("DELETE", "/api/portal/session");
            scene.world.send(call.cookie(&scene.cookie)).await
        }
        Shut::SwitchOff => {
            let path = format!("/api/apps/{}", scene.room.id);
            scene.dana.patch(&path, &json!({"version": 1, "enabled": false})).await
        }
    }
}

async fn ask_for(scene: &Scene, what: Ask, code: &str, token: &str) -> Answer {
    match what {
        Ask::Code => scene.world.authorize(&scene.cookie, &scene.room, &json!({})).await,
        Ask::Token => scene.world.exchange(&scene.room, code).await,
        Ask::Introspect => {
            let fields = [("token", token)];
            scene.world.ask_as(&scene.room, "/api/oauth/introspect", &fields).await
        }
        Ask::Check => scene.world.may_pass(&scene.cookie, &format!("app={}", scene.room.id)).await,
    }
}

/// Whether an answer lets anybody in.
fn lets_in(answer: &Answer) -> bool {
    let onward = answer.body["redirectTo"].as_str().unwrap_or_default();
    let open = answer.body["active"] != json!(false) && !onward.contains("error=");
    answer.status.is_success() && open
}

/// In every order in which the requests of both can reach the table: once the door is shut, no question
/// lets anybody in, and nothing that was got meanwhile is worth anything.
#[tokio::test]
async fn whatever_an_app_asks_while_the_door_shuts_is_worth_nothing_after() {
    const STEPS: u32 = 4;
    let scene = Scene::new().await;
    let world = &scene.world;
    let token = scene.token().await;
    // So that a question moves the idle end, which is written.
    world.pass(120);
    let code = scene.code().await;
    let before = world.snapshot().await;
    let (mut open, mut closed) = (0, 0);
    for shut in [Shut::Revoke, Shut::Close, Shut::Delete, Shut::SignOut, Shut::SwitchOff] {
        for ask in [Ask::Code, Ask::Token, Ask::Introspect, Ask::Check] {
            for order in 0..2_u32.pow(STEPS) {
                let what = format!("{ask:?} while {shut:?}, order {order:04b}");
                world.wire.forget();
                world.wire.hold_marked();
                let mut operations = Operations::on(&world.wire);
                operations.add(shut_by(&scene, shut));
                operations.add(ask_for(&scene, ask, &code, &token));
                let (mut step, mut late) = (0, None);
                loop {
                    operations.settle().await;
                    let waiting = world.wire.look(|held| held.mark.expect("a mark"));
                    let Some(first) = waiting.first() else { break };
                    let wanted = usize::try_from(order >> step.min(STEPS) & 1).expect("small");
                    let at = waiting.iter().position(|mark| *mark == wanted).unwrap_or(0);
                    if waiting[at] == 1 || (waiting.len() == 1 && *first == 1) {
                        late.get_or_insert(operations.answer(0).is_some());
                    }
                    world.wire.take(at).expect("it waits").release();
                    step += 1;
                }
                world.wire.let_go();
                let done = operations.answer(0).expect("shut");
                assert!(done.status.is_success(), "{what}: {}", done.body);
                let asked = operations.answer(1).expect("an answer").clone();
                drop(operations);
                let let_in = lets_in(&asked);
                assert!(!(let_in && late == Some(true)), "{what}: {}", asked.body);
                if let_in {
                    open += 1;
                } else {
                    closed += 1;
                }
                let got = asked.body["access_token"].as_str().map(str::to_owned);
                let onward = asked.body["redirectTo"].as_str().unwrap_or("?");
                if let Some(code) = parameter(onward, "code") {
                    let answer = world.exchange(&scene.room, &code).await;
                    assert!(answer.status.is_client_error(), "{what}: {}", answer.body);
                }
                for token in got.iter().chain([&token]) {
                    let answer = ask_for(&scene, Ask::Introspect, "", token).await;
                    assert!(!lets_in(&answer), "{what}: {}", answer.body);
                    assert_eq!(world.userinfo(token).await.status.as_u16(), 401, "{what}");
                }
                let answer = ask_for(&scene, Ask::Check, "", "").await;
                assert!(!lets_in(&answer), "{what}: {}", answer.status);
                let now = world.snapshot().await;
                world.put_back(&now, &before).await;
            }
        }
    }
    assert!(open > 20 && closed > 20, "{open} {closed}: both happen");
}

/// Answers requests in an order: of each bit, whose comes next.
async fn in_order(world: &World, operations: &mut Operations<'_, Answer>, order: u32, steps: u32) {
    let mut step = 0;
    loop {
        operations.settle().await;
        let waiting = world.wire.look(|held| held.mark.expect("a mark"));
        if waiting.is_empty() {
            return;
        }
        let wanted = usize::try_from(order >> step.min(steps) & 1).expect("small");
        let at = waiting.iter().position(|mark| *mark == wanted).unwrap_or(0);
        world.wire.take(at).expect("it waits").release();
        step += 1;
    }
}

/// In every order: an app that got its token before a permission was taken away is told, and one that
/// comes later gets none.
#[tokio::test]
async fn an_app_that_gets_in_while_a_permission_is_taken_away_is_told_or_refused() {
    const STEPS: u32 = 5;
    let scene = Scene::with(&json!({"logoutUri": "https://rooms.example/out"})).await;
    let world = &scene.world;
    let code = scene.code().await;
    let version = scene.dana.user(&scene.who).await["version"].clone();
    let edit = json!({"version": version, "permissions": ["basic"]});
    let person = scene.who.path();
    let main = &world.database.tables().main;
    let before = world.snapshot().await;
    let (mut told, mut refused) = (0, 0);
    for order in 0..2_u32.pow(STEPS) {
        let what = format!("order {order:05b}");
        world.wire.forget();
        world.wire.hold_marked();
        let mut operations = Operations::on(&world.wire);
        operations.add(scene.dana.patch(&person, &edit));
        operations.add(world.exchange(&scene.room, &code));
        in_order(world, &mut operations, order, STEPS).await;
        world.wire.let_go();
        let edited = operations.answer(0).expect("edited").clone();
        assert_eq!(edited.status.as_u16(), 200, "{what}: {}", edited.body);
        let got = lets_in(operations.answer(1).expect("an answer"));
        drop(operations);
        let now = world.snapshot().await;
        let notices = now.new_since(&before, main, "NOTICE#");
        assert_eq!(notices, usize::from(got), "{what}: {}", edited.body);
        if got {
            told += 1;
        } else {
            refused += 1;
        }
        world.put_back(&now, &before).await;
    }
    assert!(told > 2 && refused > 2, "{told} {refused}: both happen");
}

/// In every order: what a code from before gets, and what a token from before opens, ends with it.
#[tokio::test]
async fn nothing_from_before_an_app_was_switched_off_and_on_again_is_worth_anything() {
    const STEPS: u32 = 7;
    let scene = Scene::new().await;
    let world = &scene.world;
    let (token, code) = (scene.token().await, scene.code().await);
    let path = format!("/api/apps/{}", scene.room.id);
    let before = world.snapshot().await;
    let mut got_in = 0;
    for ask in [Ask::Token, Ask::Introspect] {
        for order in 0..2_u32.pow(STEPS) {
            let what = format!("{ask:?}, order {order:07b}");
            world.wire.forget();
            world.wire.hold_marked();
            let mut operations = Operations::on(&world.wire);
            operations.add(async {
                let off = json!({"version": 1, "enabled": false});
                scene.dana.patch(&path, &off).await.expect(200);
                scene.dana.patch(&path, &json!({"version": 2, "enabled": true})).await
            });
            operations.add(ask_for(&scene, ask, &code, &token));
            in_order(world, &mut operations, order, STEPS).await;
            world.wire.let_go();
            let on = operations.answer(0).expect("switched on").clone();
            assert_eq!(on.body["enabled"], true, "{what}: {}", on.body);
            let asked = operations.answer(1).expect("an answer").clone();
            drop(operations);
            got_in += usize::from(lets_in(&asked));
            let got = asked.body["access_token"].as_str();
            for token in got.into_iter().chain([&*token]) {
                let answer = ask_for(&scene, Ask::Introspect, "", token).await;
                assert_eq!(answer.body["active"], false, "{what}: {}", answer.body);
                assert_eq!(world.userinfo(token).await.status.as_u16(), 401, "{what}");
            }
            world.exchange(&scene.room, &code).await.oauth(400, "invalid_grant");
            let now = world.snapshot().await;
            world.put_back(&now, &before).await;
        }
    }
    assert!(got_in > 20, "{got_in}: some came before");
}
