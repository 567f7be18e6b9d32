// Where staff sign in: a Cognito pool of our own, unless the settings name another issuer. Nobody signs up: the
// function `staff` makes people as they come onto a practice's list, and `npm run ops -- staff add` the first. What
// they may do, the lists say; the pool says who they are.
import { Duration, Stack } from "aws-cdk-lib";
import {
  AccountRecovery,
  CfnManagedLoginBranding,
  ClientAttributes,
  FeaturePlan,
  ManagedLoginVersion,
  Mfa,
  OAuthScope,
  StandardThreatProtectionMode,
  StringAttribute,
  UserPool,
  UserPoolClientIdentityProvider,
} from "aws-cdk-lib/aws-cognito";
import { Effect, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { readSecret, type Functions } from "./functions.ts";
import { keptAndProtected } from "./kept.ts";
import { known } from "./known.ts";
import { keyNames, type Settings } from "./settings.ts";
import { TIERS } from "./tiers.ts";

export const ROLES = ["admin", "staff", "auditor"] as const;

export class Staff extends Construct {
  /** The pool, if the stack has one. */
  readonly pool?: UserPool;

  constructor(scope: Construct, id: string, settings: Settings, functions: Functions, staffOrigin: string) {
    super(scope, id);
    const signIn = functions.get("staff-sign-in");
    if (settings.issuer) {
      const { url, clientId, clientSecretName } = settings.issuer;
      signIn.addEnvironment("OIDC_ISSUER", url);
      signIn.addEnvironment("OIDC_CLIENT_ID", clientId);
      if (clientSecretName) {
        const { clientSecretVersion } = keyNames(settings.deployment);
        readSecret(signIn, "OIDC_CLIENT_SECRET", clientSecretName, clientSecretVersion);
      }
      return;
    }

    const { plus } = TIERS[settings.tier];
    const pool = new UserPool(this, "Pool", {
      userPoolName: `${settings.deployment}-staff`,
      selfSignUpEnabled: false,
      signInAliases: { email: true },
      signInCaseSensitive: false,
      standardAttributes: {
        email: { required: true, mutable: true },
        fullname: { required: true, mutable: true },
      },
      // Nobody reads it any more, but a pool keeps every attribute that it ever had.
      customAttributes: { practice: new StringAttribute({ minLen: 2, maxLen: 32, mutable: true }) },
      mfa: Mfa.REQUIRED,
      mfaSecondFactor: { otp: true, sms: false },
      passwordPolicy: {
        minLength: 15,
        requireDigits: true,
        requireLowercase: true,
        requireUppercase: true,
        requireSymbols: true,
        tempPasswordValidity: Duration.days(3),
      },
      accountRecovery: AccountRecovery.EMAIL_ONLY,
      userInvitation: {
        emailSubject: "Your access to Latchkey",
        emailBody: [
          `You may sign in at <a href="${staffOrigin}/">${staffOrigin}</a>.`,
          "Your user name is {username}, your password for the first time is {####}",
          "You then choose a password of your own and set up an authenticator app.",
        ].join("<br>"),
      },
      // Of both plans, managed login; of Plus alone, threat protection. A second factor is demanded in any case.
      ...(plus
        ? {
            featurePlan: FeaturePlan.PLUS,
            standardThreatProtectionMode: StandardThreatProtectionMode.FULL_FUNCTION,
          }
        : { featurePlan: FeaturePlan.ESSENTIALS }),
      deletionProtection: settings.keepData,
      removalPolicy: keptAndProtected(settings),
    });
    if (!plus)
      known(pool, {
        "AwsSolutions-COG8": "threat protection is of Cognito's Plus plan, which the tier does without; all have a second factor",
      });
    pool.addDomain("Domain", {
      // Names of such domains are everybody's in a region: the account's number keeps ours apart.
      cognitoDomain: { domainPrefix: `${settings.deployment}-${Stack.of(this).account}` },
      // The classic pages remember for an hour whoever signed in, and pass over `prompt=login`, with which each
      // sign-in begins: at a desk that people share, the next would come in as the last.
      managedLoginVersion: ManagedLoginVersion.NEWER_MANAGED_LOGIN,
    });
    const client = pool.addClient("Site", {
      // No secret: PKCE ties the code to whoever asked for it, and a secret would lie in the template.
      generateSecret: false,
      preventUserExistenceErrors: true,
      // At the hosted page alone, which needs no flow of the API. One has to be refused by name: where the list
      // is left out, Cognito allows SRP and custom ones to whoever knows the client's id.
      authFlows: { userSrp: false },
      // For each step of a sign-in: the first one sets up an authenticator app. The most that Cognito offers.
      authSessionValidity: Duration.minutes(15),
      oAuth: {
        flows: { authorizationCodeGrant: true },
        scopes: [OAuthScope.OPENID, OAuthScope.EMAIL, OAuthScope.PROFILE],
        callbackUrls: [`${staffOrigin}/api/staff/callback`],
        logoutUrls: [`${staffOrigin}/`],
      },
      supportedIdentityProviders: [UserPoolClientIdentityProvider.COGNITO],
      // Tokens are read once, at sign-in: the session is ours.
      idTokenValidity: Duration.minutes(5),
      accessTokenValidity: Duration.minutes(5),
      refreshTokenValidity: Duration.hours(1),
      enableTokenRevocation: true,
      readAttributes: new ClientAttributes().withStandardAttributes({
        email: true,
        emailVerified: true,
        fullname: true,
      }),
      // Required attributes cannot be left out. Nobody writes them, though: that takes a token with the scope
      // `aws.cognito.signin.user.admin`, which neither the flows nor the scopes above give.
      writeAttributes: new ClientAttributes().withStandardAttributes({ fullname: true, email: true }),
    });
    // Without a style, be it Cognito's own, there are no pages.
    new CfnManagedLoginBranding(this, "Style", {
      userPoolId: pool.userPoolId,
      clientId: client.userPoolClientId,
      useCognitoProvidedValues: true,
    });
    const { region, urlSuffix } = Stack.of(this);
    signIn.addEnvironment("OIDC_ISSUER", `https://cognito-idp.${region}.${urlSuffix}/${pool.userPoolId}`);
    signIn.addEnvironment("OIDC_CLIENT_ID", client.userPoolClientId);
    const staff = functions.get("staff");
    staff.addEnvironment("STAFF_POOL", pool.userPoolId);
    staff.addToRolePolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        actions: ["AdminCreateUser", "AdminDisableUser", "AdminEnableUser", "AdminGetUser"].map(
          (action) => `cognito-idp:${action}`,
        ),
        resources: [pool.userPoolArn],
      }),
    );
    this.pool = pool;
  }
}
