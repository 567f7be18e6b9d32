// The people who may sign in to the staff site, in the pool that the stack made.
import { createHash, randomBytes } from "node:crypto";
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDisableUserCommand,
  AdminGetUserCommand,
  AdminListGroupsForUserCommand,
  AdminRemoveUserFromGroupCommand,
  AdminUpdateUserAttributesCommand,
  UsernameExistsException,
} from "@aws-sdk/client-cognito-identity-provider";
import { DeleteCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
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

/** Lets somebody in, or gives them another practice or role from their next sign-in on. New people get a mail
 *  with a password for once, and enrol their second factor at the first sign-in. */
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
  try {
    await d.cognito.send(
      new AdminCreateUserCommand({
        ...user,
        UserAttributes: attributes,
        TemporaryPassword: `${randomBytes(15).toString("base64url")}-aA1`,
        DesiredDeliveryMediums: ["EMAIL"],
      }),
    );
  } catch (error) {
    if (!(error instanceof UsernameExistsException)) throw error;
    await d.cognito.send(new AdminUpdateUserAttributesCommand({ ...user, UserAttributes: attributes }));
  }
  const { Groups = [] } = await d.cognito.send(new AdminListGroupsForUserCommand(user));
  for (const { GroupName } of Groups.filter((group) => group.GroupName !== role)) {
    await d.cognito.send(new AdminRemoveUserFromGroupCommand({ ...user, GroupName }));
  }
  await d.cognito.send(new AdminAddUserToGroupCommand({ ...user, GroupName: role }));
  d.say(`${name} may sign in to ${await d.output("StaffSite")} as ${role} of ${practice}.`);
}

/** Shuts somebody out: no sign-in any more, and the sessions they have end now. */
export async function remove(d: Deployment, email: string): Promise<void> {
  const user = { UserPoolId: await d.output("StaffPool"), Username: email };
  const { UserAttributes = [] } = await d.cognito.send(new AdminGetUserCommand(user));
  const attribute = (name: string) => UserAttributes.find((one) => one.Name === name)?.Value ?? "";
  await d.cognito.send(new AdminDisableUserCommand(user));
  const ended = await endSessions(d, attribute("custom:practice"), attribute("sub"));
  d.say(`${email} cannot sign in any more; ${ended} sessions ended.`);
}

/** `functions/staff-sign-in` keeps a person's sessions under the beginning of a digest of the subject. */
async function endSessions(d: Deployment, practice: string, subject: string): Promise<number> {
  const TableName = await d.output("Table");
  const digest = createHash("sha256").update(subject).digest().subarray(0, 16).toString("base64url");
  const { Items = [] } = await d.dynamodb.send(
    new QueryCommand({
      TableName,
      KeyConditionExpression: "PK = :pk",
      ExpressionAttributeValues: { ":pk": `P#${practice}#W#${digest}` },
      ConsistentRead: true,
    }),
  );
  for (const { PK, SK } of Items) await d.dynamodb.send(new DeleteCommand({ TableName, Key: { PK, SK } }));
  return Items.length;
}
