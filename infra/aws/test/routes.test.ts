// Every operation of the API document has its route, its function and its permission, and nothing else has.
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { operations } from "../lib/api.ts";
import { FUNCTIONS } from "../lib/functions.ts";
import { made as make, Synthesised } from "./synthesised.ts";

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

test("this API alone may invoke a function over HTTP, by one permission for all of its routes", () => {
  interface Permission {
    Principal: string;
    FunctionName: { "Fn::GetAtt": [string, string] };
    SourceArn: unknown;
  }
  const permissions = Object.values(made.all<Permission>("AWS::Lambda::Permission"));
  const fromApi = permissions.filter(({ Principal }) => Principal === "apigateway.amazonaws.com");
  const [api] = Object.keys(made.template.findResources("AWS::ApiGatewayV2::Api"));
  const arn = `arn:{"Ref":"AWS::Partition"}:execute-api:us-east-1:123456789012:{"Ref":"${api}"}/*/*`;
  for (const { SourceArn } of fromApi) {
    const [, parts] = (SourceArn as { "Fn::Join": [string, unknown[]] })["Fn::Join"];
    expect(parts.map((part) => (typeof part === "string" ? part : JSON.stringify(part))).join("")).toBe(arn);
  }
  const names = fromApi.map(({ FunctionName }) => /^Functions(.*)Function[0-9A-F]{8}$/.exec(FunctionName["Fn::GetAtt"][0])![1]);
  const reached = new Set(operations().map((operation) => operation.function.replaceAll("-", "")));
  expect(names.sort()).toEqual([...reached].sort());
});

test("no stack comes near CloudFormation's 500 resources", () => {
  const { app } = make({ tier: "full", edgePlan: "FREE", region: "eu-central-1", backupCopies: "arn:aws:backup:us-west-2:210987654321:backup-vault:latchkey" });
  for (const { stackName, template } of app.synth().stacks)
    expect([stackName, Object.keys((template as { Resources: object }).Resources).length <= 400]).toEqual([stackName, true]);
});
