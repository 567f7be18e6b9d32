//! Settings against sessions, and against each other, in every order in which their requests can reach the
//! table.

use api_tests::{
    Answer, Call, PASSWORD, World,
    people::Staff,
    races::{Ended, meet},
    wire::Fault,
};
use serde_json::{Value, json};
use shared::{cookie, history::Role, jwt::Audience};

const SETTINGS: &str = "/api/practice";

/// What changes for sessions that are open.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shut {
    /// Sessions that are unused for five minutes are over.
    Sooner,
    /// All of them are.
    All,
}

/// Who comes meanwhile.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ask {
    /// Staff look at the session.
    Who,
    /// Staff look at a client.
    Look,
    /// Staff change a client.
    Change,
    /// A client looks at the session.
    Portal,
    /// A client signs in.
    SignIn,
}

struct Scene {
    world: World,
    dana: Staff,
    felix: Staff,
    client: String,
    email: String,
    cookie: String,
}

/// Felix's session and the client's were last used six minutes ago.
async fn scene() -> Scene {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let felix = world.staff("harbor", "Felix", Role::Staff).await;
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    world.pass(6 * 60);
    dana.get(SETTINGS).await.expect(200);
    Scene { dana, felix, client: who.client, email: who.email, cookie, world }
}

impl Scene {
    async fn shut(&self, how: Shut) -> Answer {
        match how {
            Shut::Sooner => {
                let body = json!({"version": 1, "staffIdleSeconds": 300, "clientIdleSeconds": 300});
                self.dana.patch(SETTINGS, &body).await
            }
            Shut::All => {
                self.dana.post("/api/practice/end-sessions", &json!({"confirm": "end"})).await
            }
        }
    }

    async fn ask(&self, what: Ask) -> Answer {
        let path = format!("/api/clients/{}", self.client);
        match what {
            Ask::Who => self.felix.get("/api/staff/session").await,
            Ask::Look => self.felix.get(&path).await,
            Ask::Change => {
                self.felix.patch(&path, &json!({"version": 1, "professional": "Dr. New"})).await
            }
            Ask::Portal => self.world.session(&self.cookie).await,
            Ask::SignIn => self.world.sign_in(&self.email, PASSWORD).await,
        }
    }
}

/// A session that the settings have ended lets nobody in, from the moment they are answered, and for good: a request
/// that came meanwhile does not keep it alive.
#[tokio::test]
async fn whatever_is_asked_while_sessions_end_is_refused_from_then_on() {
    let scene = scene().await;
    let (mut open, mut closed) = (0, 0);
    let counts = std::cell::RefCell::new((&mut open, &mut closed));
    for how in [Shut::Sooner, Shut::All] {
        for what in [Ask::Who, Ask::Look, Ask::Change, Ask::Portal, Ask::SignIn] {
            if (how, what) == (Shut::Sooner, Ask::SignIn) {
                continue;
            }
            let begin = |of: usize| {
                let scene = &scene;
                async move { if of == 0 { scene.shut(how).await } else { scene.ask(what).await } }
            };
            let orders = meet(&scene.world, begin, async |ended| {
                let Ended { order, answers: [shut, asked], after } = ended;
                let said = format!("{what:?} while {how:?}, order {order}");
                assert!(shut.status.is_success(), "{said}: {}", shut.body);
                let let_in = asked.status.is_success();
                if what != Ask::SignIn {
                    assert!(let_in || asked.status.as_u16() == 401, "{said}: {}", asked.body);
                    assert!(!(let_in && after), "{said}: {}", asked.body);
                }
                {
                    let mut counts = counts.borrow_mut();
                    *(if let_in { &mut *counts.0 } else { &mut *counts.1 }) += 1;
                }
                // Used before the change, a session lives by the new rule; refused once, it is over.
                let lives = let_in && how == Shut::Sooner;
                // At the very moment at which all sessions ended there is none to be had: the next try gets one.
                if what == Ask::SignIn && !let_in {
                    assert_eq!(asked.status.as_u16(), 503, "{said}: {}", asked.body);
                    return;
                }
                for _ in 0..2 {
                    let again = match what {
                        Ask::SignIn => {
                            let name = cookie::name(Audience::Portal);
                            let cookie = asked.cookie(name).expect("a cookie");
                            scene.world.session(&cookie).await
                        }
                        Ask::Portal => scene.ask(Ask::Portal).await,
                        _ => scene.ask(Ask::Who).await,
                    };
                    assert_eq!(again.status.is_success(), lives, "{said}: {}", again.body);
                }
            });
            assert!(orders.await > 5, "{what:?} while {how:?}");
        }
    }
    assert!(open > 20 && closed > 20, "{open} {closed}: both happen");
}

/// Of two who change the settings at once, one is told that they are no longer what was looked at; and whoever ends
/// all sessions takes nothing back of a change, nor it of that.
#[tokio::test]
async fn of_two_changes_at_once_none_is_lost() {
    let scene = scene().await;
    let uma = scene.world.staff("harbor", "Uma", Role::Admin).await;
    for end in [false, true] {
        let begin = |of: usize| {
            let (dana, uma) = (&scene.dana, &uma);
            async move {
                match (of, end) {
                    (0, _) => {
                        let body = json!({"version": 1, "name": "One", "invitationDays": 3});
                        dana.patch(SETTINGS, &body).await
                    }
                    (_, true) => {
                        uma.post("/api/practice/end-sessions", &json!({"confirm": "end"})).await
                    }
                    (_, false) => {
                        let body = json!({"version": 1, "senderName": "Two"});
                        uma.patch(SETTINGS, &body).await
                    }
                }
            }
        };
        let orders = meet(&scene.world, begin, async |ended| {
            let Ended { order, answers, .. } = ended;
            let of: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
            scene.world.pass(1);
            let settings = scene.world.dana().await.get(SETTINGS).await.expect(200);
            let names = (settings["name"].clone(), settings["senderName"].clone());
            let (old, one, two) = (json!("Harbor Practice"), json!("One"), json!("Two"));
            match of[..] {
                [200, 409] if !end => assert_eq!(names, (one, old), "{order}"),
                [409, 200] if !end => assert_eq!(names, (old, two), "{order}"),
                [200, 200] if end => assert_eq!(names, (one, old), "{order}"),
                // The sessions ended first.
                [401, 200] if end => assert_eq!(names, (old.clone(), old), "{order}"),
                _ => panic!("{order}: {of:?}"),
            }
            if end {
                uma.get("/api/staff/session").await.problem(401, "signed_out");
            }
        });
        assert!(orders.await > 10);
    }
}

/// The answer was lost, or the table was in the way: all sessions end once, and the caller hears of it.
#[tokio::test]
async fn all_sessions_end_once_whatever_happens_to_the_request() {
    for fault in
        [Fault::Throttled, Fault::Conflict, Fault::Error, Fault::LostRequest, Fault::LostAnswer]
    {
        let Scene { world, dana, felix, .. } = scene().await;
        let end = || {
            let call =
                Call::new("POST", "/api/practice/end-sessions").json(&json!({"confirm": "end"}));
            call.header("idempotency-key", "k")
        };
        world.wire.break_after("TransactWriteItems", 0, fault, 1);
        let first = dana.send(end()).await.expect(200);
        felix.get("/api/staff/session").await.problem(401, "signed_out");
        world.wire.forget();
        world.pass(1);
        assert_eq!(world.dana().await.send(end()).await.expect(200), first);
        let told = world.events().await.into_values();
        let told = told.map(|event| serde_json::from_str::<Value>(&event).expect("JSON"));
        assert_eq!(
            told.filter(|event| event["action"] == "sessions-ended").count(),
            1,
            "{fault:?}"
        );
    }
}
