//! Signing in with a second factor, against what the person and staff change meanwhile, in every order in which the
//! requests can reach the table.

use std::cell::Cell;

use api_tests::{
    Answer, Call, PASSWORD, World,
    authenticator::{Authenticator, Device},
    people::{Browser, Invited, Staff, text},
    races::{Ended, meet_distinct},
};
use serde_json::{Value, json};

const ACCOUNT: &str = "/api/portal/account";

struct Scene {
    world: World,
    dana: Staff,
    who: Invited,
    computer: Browser,
    app: Authenticator,
    recovery: String,
    /// Two second steps that wait.
    steps: [Value; 2],
    /// What a passkey answers that signs in alone.
    alone: Value,
}

fn proof() -> Value {
    json!({"proof": {"password": PASSWORD}})
}

async fn scene() -> Scene {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let offered = json!({"version": 1, "secondFactor": "offered"});
    dana.patch("/api/practice", &offered).await.expect(200);
    let computer = world.browser(&who.email, PASSWORD, "computer").await;
    let call = async |method: &str, path: &str, body: &Value| {
        computer.send(Call::new(method, &format!("{ACCOUNT}/{path}")).json(body)).await
    };
    let given = call("POST", "totp", &proof()).await.expect(200);
    let app = Authenticator::new(&text(&given["secret"]));
    call("PUT", "totp", &json!({"code": app.code(world.now())})).await.expect(204);
    let made = call("POST", "recovery-code", &proof()).await.expect(201);
    let recovery = text(&made["code"]);
    let mut device = Device::at(&world.app.config().portal_origin, 1);
    let asked = call("POST", "passkeys/options", &proof()).await.expect(200);
    let body = json!({"name": "Phone", "credential": device.create(&asked["options"])});
    call("POST", "passkeys", &body).await.expect(201);
    world.pass(30);
    let step = async || {
        let answer = world.sign_in(&who.email, PASSWORD).await;
        answer.problem(401, "second_factor_required")["challenge"].clone()
    };
    let steps = [step().await, step().await];
    let ask = json!({"practice": "harbor"});
    let ask = Call::new("POST", "/api/portal/sign-in/passkey/options").json(&ask);
    let question = world.send(ask).await.expect(200);
    let credential = device.get(&question["options"]);
    let alone = json!({"challenge": question["challenge"], "credential": credential});
    Scene { world, dana, who, computer, app, recovery, steps, alone }
}

impl Scene {
    async fn second(&self, step: usize, method: &str, code: &str) -> Answer {
        let body = json!({"challenge": self.steps[step], "method": method, "code": code});
        self.world.send(Call::new("POST", "/api/portal/sign-in/factor").json(&body)).await
    }

    async fn with_app(&self, step: usize) -> Answer {
        self.second(step, "totp", &self.app.code(self.world.now())).await
    }

    async fn alone(&self) -> Answer {
        self.world.send(Call::new("POST", "/api/portal/sign-in/passkey").json(&self.alone)).await
    }
}

#[tokio::test]
async fn a_factor_that_was_removed_signs_nobody_in() {
    let scene = scene().await;
    let (entered, refused) = (Cell::new(0), Cell::new(0));
    let begin = |of: usize| {
        let scene = &scene;
        async move {
            if of == 0 {
                let call = Call::new("DELETE", &format!("{ACCOUNT}/totp")).json(&proof());
                return scene.computer.send(call).await;
            }
            scene.with_app(0).await
        }
    };
    let orders = meet_distinct(&scene.world, begin, async |ended| {
        let Ended { order, answers: [removed, asked], after } = ended;
        removed.expect(204);
        let said = asked.status.as_u16();
        assert!(said == 200 || said == 401, "{order}: {said}");
        assert!(!(after && said == 200), "{order}: the removal had answered");
        let of = if said == 200 { &entered } else { &refused };
        of.set(of.get() + 1);
    });
    assert!(orders.await > 3);
    assert!(entered.get() > 0 && refused.get() > 0, "both happen");
}

#[tokio::test]
async fn access_that_was_revoked_lets_nobody_in_by_a_second_step_or_a_passkey() {
    for alone in [false, true] {
        let scene = scene().await;
        let (entered, refused) = (Cell::new(0), Cell::new(0));
        let begin = |of: usize| {
            let scene = &scene;
            async move {
                match (of, alone) {
                    (0, _) => scene.dana.revoke(&scene.who).await,
                    (_, false) => scene.with_app(0).await,
                    (_, true) => scene.alone().await,
                }
            }
        };
        let orders = meet_distinct(&scene.world, begin, async |ended| {
            let Ended { order, answers: [revoked, asked], after } = ended;
            revoked.expect(200);
            let said = asked.status.as_u16();
            assert!(said == 200 || said == 403, "{order}: {said}");
            assert!(!(after && said == 200), "{order}: the revocation had answered");
            if let Some(cookie) = asked.cookie("__Host-latchkey-portal") {
                scene.world.session(&cookie).await.problem(401, "signed_out");
            }
            let of = if said == 200 { &entered } else { &refused };
            of.set(of.get() + 1);
        });
        assert!(orders.await > 3);
        assert!(entered.get() > 0 && refused.get() > 0, "both happen");
    }
}

#[tokio::test]
async fn one_code_signs_in_once_in_whatever_order() {
    for method in ["totp", "recovery-code"] {
        let scene = scene().await;
        let begin = |of: usize| {
            let scene = &scene;
            async move {
                match method {
                    "totp" => scene.with_app(of).await,
                    _ => scene.second(of, method, &scene.recovery).await,
                }
            }
        };
        let orders = meet_distinct(&scene.world, begin, async |ended| {
            let Ended { order, answers, .. } = ended;
            let mut said = answers.map(|answer| answer.status.as_u16());
            said.sort_unstable();
            assert_eq!(said, [200, 401], "{method}, {order}");
        });
        assert!(orders.await > 3);
    }
}
