// What stacks import of each other. CloudFormation changes and deletes no export that is in use, so each version exports
// what any other may import, under the same names: then a later version can be deployed over an earlier one and back.
import { describe, expect, test } from "vitest";
import { made as make } from "./synthesised.ts";

interface Template {
  Outputs?: Record<string, { Export?: { Name: string } }>;
}

/** Names may be added, and none taken away. */
const EXPORTS: Record<string, string[]> = {
  "latchkey-data": [
    "Archive",
    "ExportsOutputFnGetAttArchiveDA4CB258ArnBE8F3792",
    "ExportsOutputFnGetAttHistoryC127576EArnC54CDD58",
    "ExportsOutputFnGetAttHistoryC127576EStreamArnB20F5661",
    "ExportsOutputFnGetAttKey961B73FDArn5A860C43",
    "ExportsOutputFnGetAttMain54E5BC70Arn491CC386",
    "ExportsOutputFnGetAttMain54E5BC70StreamArn0C411471",
    "ExportsOutputRefArchiveDA4CB258CBE311AF",
    "ExportsOutputRefHistoryC127576E4D4AAF01",
    "ExportsOutputRefMain54E5BC7043F1307B",
  ],
  "latchkey-firewall": [
    "ExportsOutputFnGetAttAclArn859AAF97",
    "ExportsOutputFnGetAttPortalAclArn48ADF660",
  ],
  latchkey: ["ExportsOutputRefEdgePortal49270E63AC86AD03", "ExportsOutputRefEdgeStaff0BA0B0B6BD4D3C74"],
};

describe.each([
  ["as it is by itself", {}],
  ["of patients, on plans, in another region", { region: "eu-central-1", edgePlan: "FREE" as const }],
  ["of a try-out, with names of its own", { use: "try-out" as const, tier: "lean" as const }],
])("a deployment %s", (_, changes) => {
  const { stacks } = make(changes).app.synth();
  const exported = (template: unknown) =>
    Object.values((template as Template).Outputs ?? {})
      .flatMap(({ Export }) => Export?.Name ?? [])
      .sort();
  const of = (stackName: string) => exported(stacks.find((one) => one.stackName === stackName)!.template);

  test.each(Object.keys(EXPORTS))("exports what it always has of %s", (stack) => {
    expect(of(stack)).toEqual(EXPORTS[stack]!.map((name) => `${stack}:${name}`));
  });

  test("imports nothing else", () => {
    const imported = stacks.flatMap(({ template }) =>
      [...JSON.stringify(template).matchAll(/"Fn::ImportValue":"([^"]+)"/g)].map(([, name]) => name!),
    );
    const all = Object.entries(EXPORTS).flatMap(([stack, names]) => names.map((name) => `${stack}:${name}`));
    expect(imported.length).toBeGreaterThan(0);
    expect(imported.filter((name) => !all.includes(name))).toEqual([]);
  });
});

test("what is imported of the data is exported where nobody imports it, too", () => {
  const { app, stack } = make();
  app.node.tryRemoveChild(stack.stackName);
  // Without the stacks that import it: as a version that no longer needs any of it.
  for (const name of ["-access-log", "-firewall"]) app.node.tryRemoveChild(`latchkey${name}`);
  const [data] = app.synth().stacks;
  const names = Object.values((data!.template as Template).Outputs!).flatMap(({ Export }) => Export?.Name ?? []);
  expect(names.sort()).toEqual(EXPORTS["latchkey-data"]!.map((name) => `latchkey-data:${name}`));
});
