// The people who may sign in to the staff site, in the pool that the stack made.
import { createHash, randomBytes } from "node:crypto";
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDeleteSoftwareTokenCommand,
  AdminDisableUserCommand,
  AdminEnableUserCommand,
  AdminGetUserCommand,
  AdminListGroupsForUserCommand,
  AdminRemoveUserFromGroupCommand,
  AdminUpdateUserAttributesCommand,
  UsernameExistsException,
  type AdminGetUserCommandInput,
} from "@aws-sdk/client-cognito-identity-provider";
import { DeleteCommand, paginateQuery } from "@aws-sdk/lib-dynamodb";
import { FUNCTIONS } from "../lib/functions.ts";
import { partitionKey } from "../lib/keys.ts";
import { ROLES } from "../lib/staff.ts";
import { Refusal, type Deployment } from "./deployment.ts";
import { load } from "./practice.ts";

export type Role = (typeof ROLES)[number];

export interface Person {
  email: string;
  name: string;
  practice: string;
  role: Role;
}

/** The name of a person in the pool, however the address was typed. */
const usernameOf = (email: string) => email.trim().toLowerCase();

/** Lets a person in, or gives them another practice, role or name: then their sessions end. New people get a
 *  mail with a password for once, and enrol their second factor at the first sign-in. Those who did not use the
 *  password in time get another one by being added again. */
export async function add(d: Deployment, person: Person): Promise<void> {
  const { email, name, practice, role } = person;
  if (!ROLES.includes(role)) throw new Refusal(`The role is one of ${ROLES.join(", ")}.`);
  if (!(await load(d, practice))) throw new Refusal(`There is no practice ${practice}. First: practice put`);
  const user = { UserPoolId: await d.output("StaffPool"), Username: usernameOf(email) };
  const attributes = [
    { Name: "email", Value: email },
    { Name: "email_verified", Value: "true" },
    { Name: "name", Value: name },
    { Name: "custom:practice", Value: practice },
  ];
  const invite = (resend: boolean) =>
    d.cognito.send(
      new AdminCreateUserCommand({
        ...user,
        ...(resend ? { MessageAction: "RESEND" } : { UserAttributes: attributes }),
        TemporaryPassword: `${randomBytes(15).toString("base64url")}-aA1`,
        DesiredDeliveryMediums: ["EMAIL"],
      }),
    );
  let known = false;
  try {
    await invite(false);
  } catch (error) {
    if (!(error instanceof UsernameExistsException)) throw error;
    known = true;
    // Shut out until they are who they will be, and while the pool still says in which practice they were.
    await shutOut(d, user);
    await d.cognito.send(new AdminUpdateUserAttributesCommand({ ...user, UserAttributes: attributes }));
  }
  const { Groups = [] } = await d.cognito.send(new AdminListGroupsForUserCommand(user));
  for (const { GroupName } of Groups.filter((group) => group.GroupName !== role)) {
    await d.cognito.send(new AdminRemoveUserFromGroupCommand({ ...user, GroupName }));
  }
  await d.cognito.send(new AdminAddUserToGroupCommand({ ...user, GroupName: role }));
  if (known) {
    const { UserStatus } = await d.cognito.send(new AdminGetUserCommand(user));
    await d.cognito.send(new AdminEnableUserCommand(user));
    if (UserStatus === "FORCE_CHANGE_PASSWORD") await invite(true);
  }
  d.say(`${name} may sign in to ${await d.output("StaffSite")} as ${role} of ${practice}.`);
}

/** Shuts a person out: no sign-in any more, and the sessions they have end now. */
export async function remove(d: Deployment, email: string): Promise<void> {
  const ended = await shutOut(d, { UserPoolId: await d.output("StaffPool"), Username: usernameOf(email) });
  d.say(`${email} cannot sign in any more; ${ended} sessions ended.`);
}

/** For a lost authenticator: it is forgotten, and the person enrols another at the next sign-in. The pool
 *  requires a second factor, so that to switch it off by preference would do nothing. */
export async function reset(d: Deployment, email: string): Promise<void> {
  const user = { UserPoolId: await d.output("StaffPool"), Username: usernameOf(email) };
  const ended = await endAround(d, await inPool(d, user), () =>
    d.cognito.send(new AdminDeleteSoftwareTokenCommand(user)),
  );
  d.say(`${email} enrols an authenticator at the next sign-in; ${ended} sessions ended.`);
}

/** Ends the sessions of a person of the pool, or of one whom another issuer calls `subject`. */
export async function endSessions(
  d: Deployment,
  who: { email: string } | { subject: string; practice: string },
): Promise<void> {
  if ("subject" in who) {
    d.say(`${await end(d, who)} sessions of ${who.subject} ended. Whether they may sign in again, the issuer says.`);
    return;
  }
  if (d.settings.issuer)
    throw new Refusal("Another issuer signs people in. Say what it calls the person: --subject … --practice …");
  const user = { UserPoolId: await d.output("StaffPool"), Username: usernameOf(who.email) };
  const ended = await end(d, await inPool(d, user));
  d.say(`${ended} sessions of ${who.email} ended. Whether they may sign in again, the pool says.`);
}

/** Where the sessions of a person are: `functions/staff-sign-in` keeps them by practice and subject. */
interface Sessions {
  practice?: string | undefined;
  subject?: string | undefined;
}

type PoolUser = Pick<Required<AdminGetUserCommandInput>, "UserPoolId" | "Username">;

async function inPool(d: Deployment, user: PoolUser): Promise<Sessions> {
  const { UserAttributes = [] } = await d.cognito.send(new AdminGetUserCommand(user));
  const value = (name: string) => UserAttributes.find(({ Name }) => Name === name)?.Value;
  return { practice: value("custom:practice"), subject: value("sub") };
}

async function shutOut(d: Deployment, user: PoolUser): Promise<number> {
  return endAround(d, await inPool(d, user), () => d.cognito.send(new AdminDisableUserCommand(user)));
}

/** Ends a person's sessions before and after what keeps them from making others. One may still be made by a
 *  sign-in that was under way: it ends as soon as no such sign-in can be left. */
async function endAround(d: Deployment, sessions: Sessions, shut: () => Promise<unknown>): Promise<number> {
  // What cannot be ended is told only once nobody can sign in any more.
  const before = sessions.subject ? await end(d, sessions) : 0;
  await shut();
  const after = await end(d, sessions);
  await d.wait(SIGN_IN_MILLISECONDS);
  return before + after + (await end(d, sessions));
}

/** The longest that a sign-in takes once the issuer has answered. */
const SIGN_IN_MILLISECONDS = FUNCTIONS["staff-sign-in"]!.seconds! * 1000;

/** Ends the sessions that are in a person's partition. Nobody has any without a practice. */
async function end(d: Deployment, { practice, subject }: Sessions): Promise<number> {
  if (!subject) throw new Refusal("The pool says no subject of theirs, by which to find their sessions.");
  if (!practice) return 0;
  const TableName = await d.output("Table");
  const digest = createHash("sha256").update(subject).digest().subarray(0, 16).toString("base64url");
  const pages = paginateQuery(
    { client: d.dynamodb },
    {
      TableName,
      KeyConditionExpression: "PK = :staff",
      ExpressionAttributeValues: { ":staff": partitionKey("staff", { practice, subject: digest }) },
      ProjectionExpression: "PK, SK",
      ConsistentRead: true,
    },
  );
  let ended = 0;
  for await (const { Items = [] } of pages) {
    for (const { PK, SK } of Items) {
      await d.dynamodb.send(new DeleteCommand({ TableName, Key: { PK, SK } }));
      ended += 1;
    }
  }
  return ended;
}
