//! The Cognito pool in which staff sign in, where it is ours: a person of a list can sign in there, and one
//! of no list cannot. The issuer of somebody else is told nothing.
//!
//! Cognito's JSON protocol over HTTP, signed by the SDK's own signer. The SDK's client for Cognito is twice
//! as large as the one for DynamoDB, and four operations are needed of it.

use std::{sync::Arc, time::Duration, time::SystemTime};

use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4::SigningParams,
};
use http::{Method, header};
use reqwest::{Client, redirect::Policy};
use serde_json::{Value, json};
use shared::{
    Problem,
    config::PoolConfig,
    fields::{Email, StaffName},
};

/// How long Cognito may take to answer one request: three fit into the function's own time.
const PATIENCE: Duration = Duration::from_millis(2500);

/// Where the people of the lists sign in.
#[derive(Clone)]
pub struct Pool(Option<Arc<Cognito>>);

struct Cognito {
    config: PoolConfig,
    http: Client,
}

/// What Cognito answered: the body, or the code of its refusal.
type Answer = Result<Value, String>;

impl Pool {
    /// Another issuer signs staff in: whoever may, it knows.
    #[must_use]
    pub const fn elsewhere() -> Self {
        Self(None)
    }

    /// Our own pool.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn of(config: PoolConfig) -> Result<Self, reqwest::Error> {
        let builder = Client::builder().redirect(Policy::none()).timeout(PATIENCE).no_proxy();
        let http = builder.build()?;
        Ok(Self(Some(Arc::new(Cognito { config, http }))))
    }

    /// Whether there is a pool of ours.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        self.0.is_some()
    }

    /// Lets a person sign in there. Who is new gets a mail with a password for once, and so does who did
    /// not use theirs. Repeating it is harmless.
    ///
    /// # Errors
    /// 503 when Cognito does not do it.
    pub async fn let_in(&self, email: &Email, name: &StaffName) -> Result<(), Problem> {
        let Some(cognito) = &self.0 else { return Ok(()) };
        let new = json!({
            "UserAttributes": [
                {"Name": "email", "Value": email.as_str()},
                {"Name": "email_verified", "Value": "true"},
                {"Name": "name", "Value": name.as_str()},
            ],
            "DesiredDeliveryMediums": ["EMAIL"],
        });
        match cognito.ask("AdminCreateUser", email, new).await? {
            Ok(_) => return Ok(()),
            Err(code) if code == "UsernameExistsException" => {}
            Err(code) => return Err(failed("AdminCreateUser", &code)),
        }
        cognito.demand("AdminEnableUser", email, json!({})).await?;
        let known = cognito.demand("AdminGetUser", email, json!({})).await?;
        if known["UserStatus"] == "FORCE_CHANGE_PASSWORD" {
            let again = json!({"MessageAction": "RESEND", "DesiredDeliveryMediums": ["EMAIL"]});
            cognito.demand("AdminCreateUser", email, again).await?;
        }
        Ok(())
    }

    /// Lets a person sign in there no more. Who is not there cannot anyway.
    ///
    /// # Errors
    /// 503 when Cognito does not do it.
    pub async fn shut_out(&self, email: &Email) -> Result<(), Problem> {
        let Some(cognito) = &self.0 else { return Ok(()) };
        match cognito.ask("AdminDisableUser", email, json!({})).await? {
            Ok(_) => Ok(()),
            Err(code) if code == "UserNotFoundException" => Ok(()),
            Err(code) => Err(failed("AdminDisableUser", &code)),
        }
    }
}

/// The problem of a request that Cognito refused. Its code quotes nothing.
fn failed(operation: &str, code: &str) -> Problem {
    Problem::unavailable(format!("{operation}: {code}"))
}

impl Cognito {
    async fn demand(&self, operation: &str, who: &Email, more: Value) -> Result<Value, Problem> {
        self.ask(operation, who, more).await?.map_err(|code| failed(operation, &code))
    }

    /// Asks for an operation on a person, whose name in the pool is the address in small letters.
    async fn ask(&self, operation: &str, who: &Email, more: Value) -> Result<Answer, Problem> {
        let mut body = more;
        body["UserPoolId"] = self.config.pool.as_str().into();
        body["Username"] = who.folded().into();
        let request = self.signed(operation, body.to_string())?;
        // The error quotes the address of Cognito and no more, but it need not be told either.
        let lost = |_| failed(operation, "no answer");
        let answer = self.http.execute(request).await.map_err(lost)?;
        let fine = answer.status().is_success();
        let body: Value =
            serde_json::from_slice(&answer.bytes().await.map_err(lost)?).unwrap_or_default();
        if fine {
            return Ok(Ok(body));
        }
        let code = body["__type"].as_str().unwrap_or("unknown");
        Ok(Err(code.rsplit('#').next().unwrap_or_default().to_owned()))
    }

    fn signed(&self, operation: &str, body: String) -> Result<reqwest::Request, Problem> {
        let fault = |what: &str| Problem::internal(format!("{operation}: {what}"));
        let PoolConfig { region, endpoint, credentials, .. } = &self.config;
        let target = format!("AWSCognitoIdentityProviderService.{operation}");
        let mut request = http::Request::builder()
            .method(Method::POST)
            .uri(format!("{}/", endpoint.trim_end_matches('/')))
            .header(header::CONTENT_TYPE, "application/x-amz-json-1.1")
            .header("x-amz-target", &target)
            .body(body)
            .map_err(|_| fault("no request"))?;
        let identity = credentials.clone().into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("cognito-idp")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| fault("not signed"))?
            .into();
        let url = request.uri().to_string();
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", &*target)];
        let signable = SignableRequest::new(
            "POST",
            url,
            headers.into_iter(),
            SignableBody::Bytes(request.body().as_bytes()),
        );
        let signed = signable.and_then(|signable| sign(signable, &params));
        let (instructions, _) = signed.map_err(|_| fault("not signed"))?.into_parts();
        instructions.apply_to_request_http1x(&mut request);
        reqwest::Request::try_from(request).map_err(|_| fault("no request"))
    }
}
