//! The functions, put into this home: each gets its addresses and keys from here and runs as it
//! does on Lambda.

use std::sync::Arc;

use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use serde_json::Value;
use shared::config::{Config, Edge, MAILS_A_SECOND, MailConfig, OidcConfig, SigningKey};
use shared::fields::Secret;
use shared::{App, Routes, context, keys, oauth::address::Hosts, team::Team, web};

use crate::home::{Functions, Home, Streamed};
use crate::issuer::{self, Person};
use crate::keys::{SigningKey as KeptKey, secret};
use crate::{BoxError, Trouble, listener, samples};

/// The names of the tables here.
pub const TABLE: &str = "latchkey";
/// The names of the tables here.
pub const HISTORY_TABLE: &str = "latchkey-history";

/// Sender of the mails here.
const MAIL_FROM: &str = "no-reply@latchkey.example";

/// The routes of every function. A new function is one line here.
#[must_use]
pub fn routes<R: Routes>(issuer: staff_sign_in::Issuer) -> R {
    R::default()
        .merge(account::routes())
        .merge(activate::routes())
        .merge(add_portal_user::routes())
        .merge(alerts::routes())
        .merge(apps::routes())
        .merge(assign_alert::routes())
        .merge(authorize::routes())
        .merge(bulk::routes())
        .merge(change_owner::routes())
        .merge(check::routes())
        .merge(client::routes())
        .merge(close_client::routes())
        .merge(create_client::routes())
        .merge(delete::routes())
        .merge(end_session::routes())
        .merge(enroll::routes())
        .merge(factor_reset::routes())
        .merge(factors::routes())
        .merge(health::routes())
        .merge(history::routes())
        .merge(list_access::routes())
        .merge(list_portal_users::routes())
        .merge(portal_session::routes())
        .merge(practice::routes())
        .merge(practice_history::routes())
        .merge(resend_invitation::routes())
        .merge(reset_password::routes())
        .merge(revoke::routes())
        .merge(search::routes())
        .merge(sheet::routes())
        .merge(sign_in::routes())
        // The people of the lists sign in at this home's own issuer, which knows the lists.
        .merge(staff::routes(staff::Pool::elsewhere()))
        .merge(staff_sign_in::routes(issuer))
        .merge(sync_clients::routes())
        .merge(token::routes())
        .merge(unlock::routes())
        .merge(update_portal_user::routes())
        .merge(userinfo::routes())
        .merge(who_can_enter::routes())
}

/// The API document of all functions, as text: what is committed as `shared/openapi.json`.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn document() -> Result<String, BoxError> {
    let issuer = staff_sign_in::Issuer::new(oidc("https://issuer.example"))?;
    let document = shared::openapi::complete(routes(issuer));
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// What the functions share, as configured for this home. Keys and secrets are made at its first
/// start.
pub fn app(home: &Home) -> Result<App, Trouble> {
    let signing = KeptKey::open(home.state(), "session-key.pem")?;
    let config = Config {
        table: TABLE.into(),
        history_table: HISTORY_TABLE.into(),
        staff_origin: home.staff_origin(),
        portal_origin: home.portal_origin(),
        edge: Edge::None,
        token_issuer: home.staff_origin(),
        verifying_keys: signing.jwks().to_string(),
        signing: Some(SigningKey { id: signing.id, pem: Secret::new(signing.pem) }),
        token_secret: Some(Secret::new(secret(home.state(), "token-secret")?)),
        deployment: None,
    };
    let dynamodb = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(home.access_key().credentials())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(home.dynamodb_url())
        .build();
    let dynamodb = aws_sdk_dynamodb::Client::from_conf(dynamodb);
    App::new(config, dynamodb, context::system_clock(), context::system_entropy())
        .map_err(|error| Trouble::new(format!("cannot use the session keys: {error}")))
}

/// The environment of the functions in this home, one variable a line: what runs them one by one
/// under `cargo lambda watch` against its tables, its issuer and its mail.
#[must_use]
pub fn environment(home: &Home, app: &App) -> String {
    let config = app.config();
    let signing = config.signing.as_ref();
    let variables = [
        ("TABLE", config.table.as_str()),
        ("HISTORY_TABLE", &config.history_table),
        ("STAFF_ORIGIN", &config.staff_origin),
        ("PORTAL_ORIGIN", &config.portal_origin),
        ("ORIGIN_DIGESTS", "none"),
        ("TOKEN_ISSUER", &config.token_issuer),
        ("VERIFYING_KEYS", &config.verifying_keys),
        ("SIGNING_KEY", signing.map_or("", |key| key.pem.reveal())),
        ("SIGNING_KEY_ID", signing.map_or("", |key| &key.id)),
        ("TOKEN_SECRET", config.token_secret.as_ref().map_or("", Secret::reveal)),
        ("OIDC_ISSUER", home.issuer_url()),
        ("OIDC_CLIENT_ID", issuer::CLIENT_ID),
        ("MAIL_FROM", MAIL_FROM),
        ("AWS_ENDPOINT_URL_DYNAMODB", home.dynamodb_url()),
        ("AWS_ENDPOINT_URL_SESV2", home.ses_url()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", home.access_key().id()),
        ("AWS_SECRET_ACCESS_KEY", home.access_key().secret()),
    ];
    let line = |(name, value): (&str, &str)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("{name}=\"{value}\"\n")
    };
    variables.into_iter().map(line).collect()
}

/// The functions of this home.
pub fn functions(home: &Home, app: &App) -> Result<Functions, Trouble> {
    let issuer = staff_sign_in::Issuer::new(oidc(home.issuer_url()))
        .map_err(|error| Trouble::new(format!("cannot make an HTTP client: {error}")))?;

    let ses = aws_sdk_sesv2::Config::builder()
        .behavior_version(aws_sdk_sesv2::config::BehaviorVersion::latest())
        .region(aws_sdk_sesv2::config::Region::from_static("us-east-1"))
        .credentials_provider(home.access_key().credentials())
        .http_client(
            // Less than the endpoint keeps an idle connection: of a mail on one that is being closed nobody
            // knows whether it went out, and it waits until its lease is over.
            aws_smithy_http_client::Builder::new()
                .pool_idle_timeout(listener::HEADERS / 2)
                .build_http(),
        )
        .endpoint_url(home.ses_url())
        .build();
    let mail = MailConfig {
        from: MAIL_FROM.into(),
        configuration_set: Some("latchkey".into()),
        a_second: MAILS_A_SECOND,
    };
    let sender = send_mail::Sender::new(app.clone(), aws_sdk_sesv2::Client::from_conf(ses), mail);

    let post = deliver::over_the_net(Hosts::of(app.config()))
        .map_err(|error| Trouble::new(format!("cannot make an HTTP client: {error}")))?;
    let messenger = deliver::Messenger::new(app.clone(), post);

    let mails = Streamed {
        file: "stream.json",
        begin: keys::MAILED,
        handler: Arc::new(move |event| {
            let sender = sender.clone();
            Box::pin(async move { Ok(Box::pin(sender.handle(event)).await) })
        }),
    };
    // By itself: an app that does not answer holds up no mail.
    let notices = Streamed {
        file: "stream-of-notices.json",
        begin: keys::NOTICED,
        handler: Arc::new(move |event| {
            let messenger = messenger.clone();
            Box::pin(async move { Ok(Box::pin(messenger.handle(event)).await) })
        }),
    };
    let told = app.clone();
    Ok(Functions {
        api: web::finish(routes(issuer), app.clone()),
        streamed: vec![mails, notices],
        on_mail_event: Arc::new(move |event| {
            let app = told.clone();
            Box::pin(async move { note(&app, event).await })
        }),
        people: people(app.clone()),
    })
}

/// The people of the staff lists of this home, whom its issuer signs in.
#[must_use]
pub fn people(app: App) -> issuer::People {
    Arc::new(move || {
        let app = app.clone();
        Box::pin(async move {
            let mut people = Vec::new();
            for practice in samples::PRACTICES {
                let practice = samples::practice_id(practice)?;
                let team = Team::load(app.store(), &practice).await?;
                people.extend(team.members().iter().map(|member| Person::of(&practice, member)));
            }
            Ok(people)
        })
    })
}

fn oidc(issuer: &str) -> OidcConfig {
    OidcConfig {
        issuer: issuer.to_owned(),
        client_id: issuer::CLIENT_ID.into(),
        client_secret: None,
    }
}

async fn note(app: &App, event: Value) -> Result<(), BoxError> {
    let event: mail_events::SesEvent = serde_json::from_value(event)?;
    mail_events::handle(app, &event)
        .await
        .map_err(|problem| problem.cause().unwrap_or(problem.code()).to_owned().into())
}
