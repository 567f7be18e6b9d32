//! What a person changes of their account, against what staff and others change meanwhile, in every order
//! in which the requests can reach the table.

use std::cell::Cell;

use api_tests::{
    PASSWORD, World,
    people::{Browser, Invited, Staff},
    races::{Ended, meet_distinct},
};
use serde_json::{Value, json};
use shared::{cookie, jwt::Audience};

const NEW: &str = "another nine grey pebbles";
const OTHER: &str = "a third one of grey wool";

struct Scene {
    world: World,
    dana: Staff,
    who: Invited,
    computer: Browser,
    phone: Browser,
    confirmation: String,
    reset: String,
    version: Value,
}

async fn scene() -> Scene {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let computer = world.browser(&who.email, PASSWORD, "computer").await;
    let phone = world.browser(&who.email, PASSWORD, "phone").await;
    world.forgot(&who.email).await.expect(202);
    world.deliver().await;
    let reset = world.post.newest(&who.email).token();
    computer.change_email("confirmed@new.example", PASSWORD).await.expect(202);
    world.deliver().await;
    let confirmation = world.post.newest("confirmed@new.example").token();
    let version = dana.user(&who).await["version"].clone();
    Scene { world, dana, who, computer, phone, confirmation, reset, version }
}

impl Scene {
    /// The address as the portal user and the account have it, and what leads from addresses to accounts.
    async fn address(&self) -> String {
        let items = self.world.items().await;
        let of = |end: &str| {
            let item = items.iter().find(|(key, _)| key.contains(end)).expect("an item").1;
            let item: Value = serde_json::from_str(item).expect("JSON");
            item["email"].as_str().expect("an address").to_owned()
        };
        let (account, user) = (of(" ACCOUNT"), of(&format!(" A#USER#{}", self.who.user)));
        assert_eq!(account, user);
        let leads = items.keys().filter(|key| key.contains("#E#")).count();
        assert_eq!(leads, 1, "one address leads to the account");
        account
    }

    /// Which of the passwords is right.
    async fn password(&self) -> &'static str {
        let mut right = Vec::new();
        for password in [PASSWORD, NEW, OTHER] {
            if self.world.sign_in(&self.who.email, password).await.status.is_success() {
                right.push(password);
            }
        }
        assert_eq!(right.len(), 1, "{right:?}");
        right[0]
    }
}

#[tokio::test]
async fn of_a_confirmation_and_an_edit_by_staff_one_is_lost() {
    let scene = scene().await;
    let (mine, theirs) = (Cell::new(0), Cell::new(0));
    let begin = |of: usize| {
        let Scene { computer, dana, who, confirmation, version, .. } = &scene;
        async move {
            if of == 0 {
                return computer.confirm(confirmation).await;
            }
            let edit = json!({"version": version, "email": "by.staff@new.example"});
            dana.patch(&who.path(), &edit).await
        }
    };
    let orders = meet_distinct(&scene.world, begin, async |ended| {
        let Ended { order, answers, .. } = ended;
        let of = answers.each_ref().map(|answer| answer.status.as_u16());
        let address = scene.address().await;
        match of {
            [204, 409] => {
                assert_eq!(address, "confirmed@new.example", "{order}");
                mine.set(mine.get() + 1);
            }
            [409, 200] => {
                assert_eq!(address, "by.staff@new.example", "{order}");
                theirs.set(theirs.get() + 1);
            }
            _ => panic!("{order}: {of:?}"),
        }
    });
    assert!(orders.await > 3);
    assert!(mine.get() > 0 && theirs.get() > 0, "both happen");
}

#[tokio::test]
async fn a_confirmation_that_comes_after_a_revocation_is_over() {
    let scene = scene().await;
    let (confirmed, over) = (Cell::new(0), Cell::new(0));
    let begin = |of: usize| {
        let Scene { computer, dana, who, confirmation, .. } = &scene;
        async move {
            if of == 0 { dana.revoke(who).await } else { computer.confirm(confirmation).await }
        }
    };
    let orders = meet_distinct(&scene.world, begin, async |ended| {
        let Ended { order, answers: [revoked, asked], after } = ended;
        revoked.expect(200);
        let said = asked.status.as_u16();
        assert!([204, 401, 409].contains(&said), "{order}: {said}");
        assert!(!(after && said == 204), "{order}");
        let expected = if said == 204 { "confirmed@new.example" } else { scene.who.email.as_str() };
        assert_eq!(scene.address().await, expected, "{order}");
        let of = if said == 204 { &confirmed } else { &over };
        of.set(of.get() + 1);
        assert!(!scene.computer.lives().await, "{order}");
        assert_eq!(scene.dana.user(&scene.who).await["status"], "revoked");
        scene.computer.confirm(&scene.confirmation).await.problem(401, "signed_out");
    });
    assert!(orders.await > 3);
    assert!(confirmed.get() > 0 && over.get() > 0, "both happen");
}

#[tokio::test]
async fn a_session_that_began_with_the_old_password_ends_with_it() {
    let scene = scene().await;
    let (entered, refused) = (Cell::new(0), Cell::new(0));
    let begin = |of: usize| {
        let Scene { world, who, computer, .. } = &scene;
        async move {
            if of == 0 {
                computer.change_password(NEW, PASSWORD).await
            } else {
                world.sign_in(&who.email, PASSWORD).await
            }
        }
    };
    let orders = meet_distinct(&scene.world, begin, async |ended| {
        let Ended { order, answers: [changed, entering], after } = ended;
        changed.expect(204);
        assert!(scene.computer.lives().await, "{order}");
        if entering.status.as_u16() == 200 {
            assert!(!after, "{order}");
            entered.set(entered.get() + 1);
            let cookie = entering.cookie(cookie::name(Audience::Portal)).expect("a cookie");
            scene.world.session(&cookie).await.problem(401, "signed_out");
        } else {
            entering.problem(401, "sign_in_failed");
            refused.set(refused.get() + 1);
        }
        assert_eq!(scene.password().await, NEW, "{order}");
    });
    assert!(orders.await > 3);
    assert!(entered.get() > 0 && refused.get() > 0, "both happen");
}

#[tokio::test]
async fn of_two_new_passwords_at_once_one_is_chosen() {
    let scene = scene().await;
    for by_reset in [true, false] {
        let (mine, theirs) = (Cell::new(0), Cell::new(0));
        let begin = |of: usize| {
            let Scene { world, computer, phone, reset, .. } = &scene;
            async move {
                match (of, by_reset) {
                    (0, _) => computer.change_password(NEW, PASSWORD).await,
                    (_, true) => world.choose(reset, OTHER).await,
                    (_, false) => phone.change_password(OTHER, PASSWORD).await,
                }
            }
        };
        let orders = meet_distinct(&scene.world, begin, async |ended| {
            let Ended { order, answers, .. } = ended;
            let of = answers.each_ref().map(|answer| answer.status.as_u16());
            let right = scene.password().await;
            match of {
                // A reset is dead by then, another session over.
                [204, 409 | 401] => {
                    assert_eq!(right, NEW, "{order}");
                    mine.set(mine.get() + 1);
                }
                [401, 204] => {
                    assert_eq!(right, OTHER, "{order}");
                    theirs.set(theirs.get() + 1);
                }
                _ => panic!("{order}: {of:?}"),
            }
        });
        assert!(orders.await > 3);
        assert!(mine.get() > 0 && theirs.get() > 0, "both happen");
    }
}

#[tokio::test]
async fn ending_the_others_ends_whoever_came_before_and_nobody_who_comes_after() {
    let scene = scene().await;
    for end_first in [true, false] {
        let begin = |of: usize| {
            let Scene { world, who, computer, .. } = &scene;
            async move {
                if (of == 0) == end_first {
                    computer.end("others").await
                } else {
                    world.sign_in(&who.email, PASSWORD).await
                }
            }
        };
        let judged = Cell::new(0);
        let orders = meet_distinct(&scene.world, begin, async |ended| {
            let Ended { order, answers: [first, second], after } = ended;
            let (ended, entered) = if end_first { (first, second) } else { (second, first) };
            ended.expect(204);
            let cookie = entered.cookie(cookie::name(Audience::Portal)).expect("a cookie");
            entered.expect(200);
            let lives = scene.world.session(&cookie).await.status.is_success();
            if after {
                assert_eq!(lives, end_first, "{order}");
                judged.set(judged.get() + 1);
            }
            assert!(scene.computer.lives().await, "{order}");
            assert!(!scene.phone.lives().await, "{order}");
        });
        assert!(orders.await > 3);
        assert!(judged.get() > 0);
    }
}

#[tokio::test]
async fn a_session_that_was_ended_confirms_nothing() {
    let scene = scene().await;
    let (confirmed, over) = (Cell::new(0), Cell::new(0));
    let begin = |of: usize| {
        let Scene { computer, phone, confirmation, .. } = &scene;
        async move {
            if of == 0 { computer.end("others").await } else { phone.confirm(confirmation).await }
        }
    };
    let orders = meet_distinct(&scene.world, begin, async |ended| {
        let Ended { order, answers: [ending, asked], after } = ended;
        ending.expect(204);
        let said = asked.status.as_u16();
        assert!(said == 204 || said == 401, "{order}: {said}");
        assert!(!(after && said == 204), "{order}");
        let expected = if said == 204 { "confirmed@new.example" } else { scene.who.email.as_str() };
        assert_eq!(scene.address().await, expected, "{order}");
        let of = if said == 204 { &confirmed } else { &over };
        of.set(of.get() + 1);
        assert!(!scene.phone.lives().await, "{order}");
    });
    assert!(orders.await > 3);
    assert!(confirmed.get() > 0 && over.get() > 0, "both happen");
}
