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
  type AttributeType,
} from "@aws-sdk/client-cognito-identity-provider";
import { DeleteCommand, paginateScan } from "@aws-sdk/lib-dynamodb";
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

/** Lets somebody in, or gives them another practice, role or name: then their sessions end. New people get a
 *  mail with a password for once, and enrol their second factor at the first sign-in; whoever did not use the
 *  password in time gets another one by being added again. */
export async function add(d: Deployment, person: Person): Promise<void> {
  const { email, name, practice, role } = person;
  if (!ROLES.includes(role)) throw new Refusal(`The role is one of ${ROLES.join(", ")}.`);
  if (!(await load(d, practice))) throw new Refusal(`There is no practice ${practice}. First: practice put`);
  const user = { UserPoolId: await d.output("StaffPool"), Username: email };
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
    await d.cognito.send(new AdminUpdateUserAttributesCommand({ ...user, UserAttributes: attributes }));
  }
  const { Groups = [] } = await d.cognito.send(new AdminListGroupsForUserCommand(user));
  for (const { GroupName } of Groups.filter((group) => group.GroupName !== role)) {
    await d.cognito.send(new AdminRemoveUserFromGroupCommand({ ...user, GroupName }));
  }
  await d.cognito.send(new AdminAddUserToGroupCommand({ ...user, GroupName: role }));
  if (known) {
    const { UserStatus, UserAttributes = [] } = await d.cognito.send(new AdminGetUserCommand(user));
    await endSessionsOf(d, UserAttributes);
    // Only now may somebody who was shut out come back: as who they are from now on.
    await d.cognito.send(new AdminEnableUserCommand(user));
    if (UserStatus === "FORCE_CHANGE_PASSWORD") await invite(true);
  }
  d.say(`${name} may sign in to ${await d.output("StaffSite")} as ${role} of ${practice}.`);
}

/** Shuts somebody out: no sign-in any more, and the sessions they have end now. */
export async function remove(d: Deployment, email: string): Promise<void> {
  const user = { UserPoolId: await d.output("StaffPool"), Username: email };
  const { UserAttributes = [] } = await d.cognito.send(new AdminGetUserCommand(user));
  await d.cognito.send(new AdminDisableUserCommand(user));
  const ended = await endSessionsOf(d, UserAttributes);
  d.say(`${email} cannot sign in any more; ${ended} sessions ended.`);
}

/** For a lost authenticator: it is forgotten, and the person enrols another at the next sign-in. The pool
 *  requires a second factor, so that to switch it off by preference would do nothing. */
export async function reset(d: Deployment, email: string): Promise<void> {
  const user = { UserPoolId: await d.output("StaffPool"), Username: email };
  const { UserAttributes = [] } = await d.cognito.send(new AdminGetUserCommand(user));
  await d.cognito.send(new AdminDeleteSoftwareTokenCommand(user));
  const ended = await endSessionsOf(d, UserAttributes);
  d.say(`${email} enrols an authenticator at the next sign-in; ${ended} sessions ended.`);
}

/** Ends the sessions of whoever has an address, at any issuer: by what the sessions themselves say. */
export async function endSessions(d: Deployment, email: string): Promise<void> {
  const ended = await endWhere(d, (one) => String(one["email"]).toLowerCase() === email.toLowerCase());
  d.say(`${ended} sessions of ${email} ended. Whether they may sign in again, the issuer says.`);
}

/** Ends the sessions of somebody of the pool, in whichever practice they began. `functions/staff-sign-in` keeps
 *  them under the beginning of a digest of the subject. */
async function endSessionsOf(d: Deployment, attributes: AttributeType[]): Promise<number> {
  const subject = attributes.find(({ Name }) => Name === "sub")?.Value;
  if (!subject) throw new Refusal("The pool says no subject of theirs, by which to find their sessions.");
  const digest = createHash("sha256").update(subject).digest().subarray(0, 16).toString("base64url");
  return endWhere(d, ({ PK }) => String(PK).endsWith(`#W#${digest}`));
}

/** Ends the sessions of which that is true. Reads the whole table: nothing else knows of every practice. */
async function endWhere(d: Deployment, theirs: (one: Record<string, unknown>) => boolean): Promise<number> {
  const TableName = await d.output("Table");
  const pages = paginateScan(
    { client: d.dynamodb },
    {
      TableName,
      FilterExpression: "begins_with(SK, :session)",
      ExpressionAttributeValues: { ":session": "SESSION#" },
      ProjectionExpression: "PK, SK, email",
      ConsistentRead: true,
    },
  );
  let ended = 0;
  for await (const { Items = [] } of pages) {
    for (const { PK, SK } of Items.filter(theirs)) {
      await d.dynamodb.send(new DeleteCommand({ TableName, Key: { PK, SK } }));
      ended += 1;
    }
  }
  return ended;
}
