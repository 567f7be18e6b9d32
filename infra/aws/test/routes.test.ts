// Every operation of the API document has its route, its function and its permission, and nothing else has.
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { operations } from "../lib/api.ts";
import { FUNCTIONS } from "../lib/functions.ts";
import { Synthesised } from "./synthesised.ts";

let made: Synthesised;
beforeAll(() => {
  made = new Synthesised();
});

const FOLDERS = readdirSync(fileURLToPath(new URL("../../../functions", import.meta.url)));
/** Driven by the table's stream and by SES's events. */
const NOT_OVER_HTTP = ["deliver", "mail-events", "send-mail"];

test("every function of the workspace is deployed, and nothing else", () => {
  expect(Object.keys(FUNCTIONS).sort()).toEqual(FOLDERS.sort());
});

test("every function is reached by a route of the document, or is not meant to be", () => {
  const reached = new Set(operations().map((operation) => operation.function));
  expect([...reached, ...NOT_OVER_HTTP].sort()).toEqual(Object.keys(FUNCTIONS).sort());
});

test("the routes are the document's, each to the function that its id names", () => {
  const integrations = made.all<{ IntegrationUri: unknown }>("AWS::ApiGatewayV2::Integration");
  const routes = Object.values(made.all<{ RouteKey: string; Target: unknown }>("AWS::ApiGatewayV2::Route"));
  const leads = routes.map(({ RouteKey, Target }) => {
    const id = /"Ref":"(\w+)"/.exec(JSON.stringify(Target))?.[1] ?? "";
    return `${RouteKey} ${JSON.stringify(integrations[id]?.IntegrationUri)}`;
  });
  const functionId = (name: string) =>
    Object.entries(made.all<{ Description: string }>("AWS::Lambda::Function")).find(
      ([, { Description }]) => Description === `Latchkey: ${name}`,
    )?.[0];
  const wanted = [
    ...operations().map(({ method, path, function: name }) => [`${method} ${path}`, name]),
    ["$default", "health"],
  ].map(([key, name]) => `${key} ${JSON.stringify({ "Fn::GetAtt": [functionId(name!), "Arn"] })}`);
  expect(leads.sort()).toEqual(wanted.sort());
});

test("the API may invoke a function for its own routes only", () => {
  interface Permission {
    Principal: string;
    FunctionName: unknown;
    SourceArn: unknown;
  }
  const permissions = Object.values(made.all<Permission>("AWS::Lambda::Permission"));
  const fromApi = permissions.filter((permission) => permission.Principal === "apigateway.amazonaws.com");
  expect(fromApi).toHaveLength(operations().length + 1);
  const anywhere = fromApi.filter(({ SourceArn }) => JSON.stringify(SourceArn).includes('"/*/*"'));
  expect(anywhere).toHaveLength(1);
  expect(JSON.stringify(anywhere[0]?.FunctionName)).toContain("Functionshealth");
});
