// A second deployment in the same account, from its first deployment, which is ended several times, to its end: it signs
// staff in at its own pool, is given another issuer under people who are signed in, goes back from a version that does not
// answer, and leaves nothing behind when it is destroyed.
import {
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  ListUserPoolsCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { GetFunctionConfigurationCommand, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { ListBucketsCommand } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { Deployment } from "../../../infra/aws/ops/deployment.ts";
import * as keys from "../../../infra/aws/ops/keys.ts";
import { down } from "../../../infra/aws/ops/down.ts";
import * as staff from "../../../infra/aws/ops/staff.ts";
import { hands, makeDeploy, settle } from "../aws.ts";
import { SPREAD } from "../edge.ts";
import { call, home, moveTo } from "../home.ts";
import { Desk } from "../people.ts";

const DANA = "dana@harbor.example";
const OTHER = {
  // A domain is one deployment's to send from.
  sender: "no-reply@rehearsal.example.org",
  first: {
    practice: "harbor",
    name: "Harbor Counseling",
    alertInbox: "desk@harbor.example",
    email: DANA,
    admin: "Dana Whitfield",
  },
};

test("a deployment is made, gets another issuer, and is destroyed", { timeout: 400_000 }, async () => {
  const first = { staff: home().staff, portal: home().portal };
  const Password = home().password!;
  const there = await left(settle("latchkey"));
  try {
    let d = settle("rehearsal", OTHER);
    await ended(d, ["synth", "-data", "", "fetch"]);
    expect((await makeDeploy(d)).join("\n")).toMatch(/\[3\/10\] data: is done[^]*\[9\/10\] admin: put Dana/);
    const own = { UserPoolId: await d.output("StaffPool"), Username: DANA };
    await d.cognito.send(new AdminSetUserPasswordCommand({ ...own, Password, Permanent: true }));
    moveTo({ staff: await d.output("StaffSite"), portal: await d.output("PortalSite") });
    await call(home().staff, "GET", SPREAD);
    const dana = await Desk.open(DANA);

    const issuer = await otherIssuer(d, Password);
    d = settle("rehearsal", { ...OTHER, issuer: issuer.settings });
    await staff.add(d, { email: "noor@harbor.example", name: "Noor Haddad", practice: "harbor", role: "staff" });
    await keys.keepClientSecret(d, issuer.secret);
    await makeDeploy(d);
    await call(home().staff, "GET", SPREAD);
    // Nobody's session depends on the issuer, and who signs in comes from the new one.
    expect((await dana.call("GET", "/staff/session")).status).toBe(200);
    await expect(Desk.open(DANA)).rejects.toThrow();
    const noor = await Desk.open("noor@harbor.example");
    expect(await noor.must(200, "GET", "/staff/session")).toMatchObject({ role: "staff" });
    // In doubt about the old one: what it brought about ends.
    await staff.endSessions(d, DANA);
    expect((await dana.call("GET", "/staff/session")).status).toBe(401);
    expect((await noor.call("GET", "/staff/session")).status).toBe(200);

    // Another version, of which a route does not answer: the one before is back, and answers.
    const logs = async () => {
      const { LoggingConfig, MemorySize } = await d.lambda.send(
        new GetFunctionConfigurationCommand({ FunctionName: "rehearsal-search" }),
      );
      return [LoggingConfig?.LogGroup, MemorySize];
    };
    const before = await logs();
    d = settle("rehearsal", { ...OTHER, issuer: issuer.settings, memory: { usual: 640, passwords: 1769 } });
    const { fetch } = hands("rehearsal");
    const broken: typeof fetch = async (url, init) =>
      url.endsWith("/api/clients/search") ? new Response(null, { status: 502 }) : fetch(url, init);
    await expect(makeDeploy(d, { fetch: broken })).rejects.toThrow(
      /POST \/api\/clients\/search \(search\) answers 502[^]*The last version is back/,
    );
    expect(await logs()).toEqual(before);
    await call(home().staff, "GET", SPREAD);
    expect((await noor.call("GET", "/staff/session")).status).toBe(200);

    const quiet = new Deployment(d.settings, () => {}, async () => {});
    await down(quiet);
    const after = await left(d);
    expect(after.filter((one) => !there.includes(one))).toEqual([`pool ${issuer.name}`]);
    await expect(settle("rehearsal").output("Table")).rejects.toThrow("There is no stack rehearsal");
  } finally {
    moveTo(first);
    settle("latchkey");
  }
});

/** Deploys, and is ended as soon as it gets to each of these: what it makes there is made, and nobody hears of it. */
async function ended(d: Deployment, places: string[]): Promise<void> {
  for (const place of places) {
    const real = hands("rehearsal");
    const end = () => {
      throw new Error(`ended at ${place}`);
    };
    const cdk: typeof real.cdk = async (...words) => {
      await real.cdk(...words);
      if (words[0] === place || words[1] === `rehearsal${place}`) end();
    };
    const refused = makeDeploy(d, place === "fetch" ? { fetch: end } : { cdk });
    await expect(refused).rejects.toThrow(place === "fetch" ? "ended at fetch" : `ended at ${place}`);
  }
}

/** Another pool, as if it were of another house: with a client that has a secret. */
async function otherIssuer(d: Deployment, Password: string) {
  const name = "another-house";
  const { UserPool } = await d.cognito.send(
    new CreateUserPoolCommand({ PoolName: name, UsernameAttributes: ["email"] }),
  );
  const UserPoolId = UserPool!.Id!;
  const { UserPoolClient } = await d.cognito.send(
    new CreateUserPoolClientCommand({
      UserPoolId,
      ClientName: "latchkey",
      GenerateSecret: true,
      AllowedOAuthFlows: ["code"],
      AllowedOAuthScopes: ["openid", "email", "profile"],
      AllowedOAuthFlowsUserPoolClient: true,
      SupportedIdentityProviders: ["COGNITO"],
      CallbackURLs: [`${home().staff}/api/staff/callback`],
    }),
  );
  const user = { UserPoolId, Username: "noor@harbor.example" };
  const UserAttributes = [
    { Name: "email", Value: user.Username },
    { Name: "name", Value: "Noor Haddad" },
    { Name: "email_verified", Value: "true" },
  ];
  await d.cognito.send(new AdminCreateUserCommand({ ...user, UserAttributes, MessageAction: "SUPPRESS" }));
  await d.cognito.send(new AdminSetUserPasswordCommand({ ...user, Password, Permanent: true }));
  return {
    name,
    secret: UserPoolClient!.ClientSecret!,
    settings: {
      url: `https://cognito-idp.us-east-1.amazonaws.com/${UserPoolId}`,
      clientId: UserPoolClient!.ClientId!,
      clientSecretName: "rehearsal/client",
    },
  };
}

/** What there is in the account of what a stack makes and bills. */
async function left(d: Deployment): Promise<string[]> {
  const { TableNames = [] } = await d.dynamodb.send(new ListTablesCommand({}));
  const { Functions = [] } = await d.lambda.send(new ListFunctionsCommand({}));
  const { Buckets = [] } = await d.s3.send(new ListBucketsCommand({}));
  const { UserPools = [] } = await d.cognito.send(new ListUserPoolsCommand({ MaxResults: 60 }));
  return [
    ...TableNames.map((name) => `table ${name}`),
    ...Functions.map(({ FunctionName }) => `function ${FunctionName}`),
    ...Buckets.map(({ Name }) => `bucket ${Name}`),
    ...UserPools.map(({ Name }) => `pool ${Name}`),
  ];
}
