// A second deployment in the same account, from its first deployment to its end: it signs staff in at its own pool,
// is given another issuer under people who are signed in, and leaves nothing behind when it is destroyed.
import {
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  ListUserPoolsCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { DeleteObjectsCommand, ListBucketsCommand, ListObjectVersionsCommand } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import type { Deployment } from "../../../infra/aws/ops/deployment.ts";
import * as keys from "../../../infra/aws/ops/keys.ts";
import * as practice from "../../../infra/aws/ops/practice.ts";
import * as staff from "../../../infra/aws/ops/staff.ts";
import { cdkDeploy, run, settle } from "../aws.ts";
import { SPREAD } from "../edge.ts";
import { call, home, moveTo } from "../home.ts";
import { Desk } from "../people.ts";

const DANA = "dana@harbor.example";
/** A domain is one deployment's to send from. */
const OTHER = { sender: "no-reply@rehearsal.example.org" };

test("a deployment is made, gets another issuer, and is destroyed", { timeout: 400_000 }, async () => {
  const first = { staff: home().staff, portal: home().portal };
  const Password = home().password!;
  const before = await left(settle("latchkey"));
  try {
    let d = settle("rehearsal", OTHER);
    await keys.init(d);
    await cdkDeploy("rehearsal");
    await practice.put(d, "harbor", { name: "Harbor Counseling", alertInbox: "desk@harbor.example" });
    await staff.add(d, { email: DANA, name: "Dana Whitfield", practice: "harbor", role: "admin" });
    const own = { UserPoolId: await d.output("StaffPool"), Username: DANA };
    await d.cognito.send(new AdminSetUserPasswordCommand({ ...own, Password, Permanent: true }));
    moveTo({ staff: await d.output("StaffSite"), portal: await d.output("PortalSite") });
    await call(home().staff, "GET", SPREAD);
    const dana = await Desk.open(DANA);

    const issuer = await otherIssuer(d, Password);
    d = settle("rehearsal", { ...OTHER, issuer: issuer.settings });
    await staff.add(d, { email: "noor@harbor.example", name: "Noor Haddad", practice: "harbor", role: "staff" });
    await keys.keepClientSecret(d, issuer.secret);
    await cdkDeploy("rehearsal");
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

    for (const bucket of ["SiteBucket", "ArchiveBucket"] as const) await empty(d, await d.output(bucket));
    run("cdk", "destroy", "rehearsal", "rehearsal-data", "rehearsal-firewall", "--force");
    const after = await left(d);
    expect(after.filter((one) => !before.includes(one))).toEqual([`pool ${issuer.name}`]);
    await expect(settle("rehearsal").output("Table")).rejects.toThrow("There is no stack rehearsal");
  } finally {
    moveTo(first);
    settle("latchkey");
  }
});

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

/** What the README asks for before a destruction. AWS would give the archive's objects up after a day; the emulator
 *  does so at once. */
async function empty(d: Deployment, Bucket: string): Promise<void> {
  const { Versions = [], DeleteMarkers = [] } = await d.s3.send(new ListObjectVersionsCommand({ Bucket }));
  const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
  if (Objects.length) await d.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
}
