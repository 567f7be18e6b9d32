// What stands in front of everything: that browsers are told the same as by the local home, and that nobody
// gets past it.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { limits } from "../lib/settings.ts";
import { given, Synthesised } from "./synthesised.ts";

let made: Synthesised;
beforeAll(() => {
  made = new Synthesised();
});

describe("the edge", () => {
  const HEADERS = JSON.parse(readFileSync(new URL("../../headers.json", import.meta.url), "utf8")) as Record<
    string,
    string
  >;

  test("sends the headers of the local home, and overrides none that an answer has", () => {
    interface Policy {
      ResponseHeadersPolicyConfig: {
        SecurityHeadersConfig: Record<string, Record<string, unknown>>;
        CustomHeadersConfig: { Items: { Header: string; Value: string; Override: boolean }[] };
      };
    }
    const { SecurityHeadersConfig: security, CustomHeadersConfig: custom } = made.one<Policy>(
      "AWS::CloudFront::ResponseHeadersPolicy",
      "Edge",
    ).ResponseHeadersPolicyConfig;
    const sent = {
      "content-security-policy": security["ContentSecurityPolicy"]?.["ContentSecurityPolicy"],
      "x-content-type-options": security["ContentTypeOptions"] && "nosniff",
      "referrer-policy": security["ReferrerPolicy"]?.["ReferrerPolicy"],
      ...Object.fromEntries(custom.Items.map(({ Header, Value }) => [Header, Value])),
    };
    expect(sent).toEqual(HEADERS);
    expect(security["StrictTransportSecurity"]).toMatchObject({ AccessControlMaxAgeSec: 730 * 24 * 3600 });
    for (const each of [...Object.values(security), ...custom.Items]) expect(each["Override"]).toBe(false);
  });

  test("shows the API a secret that the template does not hold, and passes on only what functions read", () => {
    for (const { DistributionConfig } of Object.values(
      made.all<{ DistributionConfig: unknown }>("AWS::CloudFront::Distribution"),
    )) {
      const text = JSON.stringify(DistributionConfig);
      expect(text).toContain("{{resolve:secretsmanager:latchkey/origin-key:SecretString:::");
      expect(text).toContain('"HeaderName":"x-latchkey-origin"');
      expect(text).toContain("WebACLId");
    }
    made.template.hasResourceProperties("AWS::CloudFront::OriginRequestPolicy", {
      OriginRequestPolicyConfig: {
        HeadersConfig: {
          Headers: [
            "Origin",
            "Sec-Fetch-Site",
            "Sec-Fetch-Mode",
            "Idempotency-Key",
            "Latchkey-Activity",
            "CloudFront-Viewer-Address",
          ],
        },
        CookiesConfig: { CookieBehavior: "all" },
        QueryStringsConfig: { QueryStringBehavior: "all" },
      },
    });
  });

  test("leads to the API by its own path and by that of OpenID Connect's metadata, on both sites", () => {
    interface Behaviour {
      PathPattern: string;
      AllowedMethods: string[];
      TargetOriginId: string;
      CachePolicyId: unknown;
      OriginRequestPolicyId: unknown;
      ResponseHeadersPolicyId: unknown;
    }
    interface Config {
      CacheBehaviors: Behaviour[];
      DefaultCacheBehavior: Behaviour;
      Origins: { Id: string; DomainName: unknown }[];
    }
    const sites = Object.values(
      made.all<{ DistributionConfig: Config }>("AWS::CloudFront::Distribution"),
    ).map(({ DistributionConfig }) => DistributionConfig);
    expect(sites).toHaveLength(2);
    for (const { CacheBehaviors, DefaultCacheBehavior, Origins } of sites) {
      const [api, metadata, ...others] = CacheBehaviors;
      expect([api!.PathPattern, metadata!.PathPattern, others]).toEqual([
        "/api/*",
        "/.well-known/openid-configuration",
        [],
      ]);
      expect({ ...metadata, PathPattern: "/api/*" }).toEqual(api);
      const origin = Origins.find(({ Id }) => Id === api!.TargetOriginId);
      expect(JSON.stringify(origin!.DomainName)).toContain(".execute-api.");
      expect(api!.AllowedMethods).toEqual(["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]);
      expect(api!.CachePolicyId).toEqual({ Ref: expect.stringMatching(/^EdgeToldApart/) });
      expect(api!.OriginRequestPolicyId).toEqual({ Ref: expect.stringMatching(/^EdgeForwarded/) });
      expect(api!.ResponseHeadersPolicyId).toEqual(DefaultCacheBehavior.ResponseHeadersPolicyId);
    }
  });

  test("passes on what an app proves itself with, and keeps no answer that does not ask for it", () => {
    const { CachePolicyConfig } = made.one<{ CachePolicyConfig: unknown }>(
      "AWS::CloudFront::CachePolicy",
      "EdgeToldApart",
    );
    expect(CachePolicyConfig).toMatchObject({
      MinTTL: 0,
      DefaultTTL: 0,
      // With 0, CloudFront takes no header here.
      MaxTTL: 1,
      ParametersInCacheKeyAndForwardedToOrigin: {
        HeadersConfig: { HeaderBehavior: "whitelist", Headers: ["Authorization"] },
        CookiesConfig: { CookieBehavior: "all" },
        QueryStringsConfig: { QueryStringBehavior: "all" },
      },
    });
  });

  test("gives every address that names no file the site's page", () => {
    const run = (id: string, uri: string): string => {
      const { FunctionCode } = made.one<{ FunctionCode: string }>("AWS::CloudFront::Function", id);
      return (new Function(`${FunctionCode}; return handler;`)() as (event: unknown) => { uri: string })({
        request: { uri },
      }).uri;
    };
    expect(["/", "/clients/01J/history", "/sign-in"].map((uri) => run("EdgeStaffPages", uri))).toEqual(
      Array(3).fill("/index.html"),
    );
    for (const page of ["/harbor/sign-in", "/authorize", "/sign-out"])
      expect(run("EdgePortalPages", page)).toBe("/portal.html");
    for (const file of ["/assets/a-1.js", "/assets/nothing", "/icon.svg", "/config.json", "/practices/harbor.json", "/assets/password.js"])
      expect(run("EdgeStaffPages", file)).toBe(file);
    // Links of mails, as mail programs change them.
    const token = "x2dQ-w_1";
    for (const link of ["enroll", "password"].flatMap((page) => [`/harbor/${page}`, `/${page}`]))
      for (const tail of ["%23", "%2523", "%2f%23", "/%23", "/", "%20", "%3F", "&", ";"])
        for (const end of ["", ".", ".%20", "%3E", "%3E.", ")."])
          expect(run("EdgePortalPages", `${link}${tail}${token}${end}`), `${link}${tail}${end}`).toBe("/portal.html");
    expect(run("EdgePortalPages", "/harbor/enroll.")).toBe("/portal.html");
  });

  test("keeps no error for the next who asks, and passes each on as it came", () => {
    for (const distribution of Object.values(
      made.all<{ DistributionConfig: { CustomErrorResponses: unknown } }>("AWS::CloudFront::Distribution"),
    )) {
      expect(distribution.DistributionConfig.CustomErrorResponses).toEqual(
        [400, 403, 404, 405, 414, 500, 501, 502, 503, 504].map((ErrorCode) => ({
          ErrorCode,
          ErrorCachingMinTTL: 0,
        })),
      );
    }
  });

  test("keeps the bucket to CloudFront", () => {
    expect(made.one("AWS::S3::Bucket", "EdgeSite")["PublicAccessBlockConfiguration"]).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
    made.template.resourceCountIs("AWS::CloudFront::OriginAccessControl", 1);
  });

  test("logs what was asked for, and nothing of who asked", () => {
    const deliveries = Object.values(made.accessLog.findResources("AWS::Logs::Delivery"));
    expect(deliveries).toHaveLength(2);
    // The destination takes up one at a time.
    expect(deliveries.map((delivery) => delivery["DependsOn"])).toEqual([undefined, ["Staff"]]);
    for (const delivery of deliveries) {
      const fields: string[] = delivery["Properties"].RecordFields;
      expect(fields).toContain("cs-uri-stem");
      expect(fields.filter((field) => /ip|query|cookie|referer|user-agent|forwarded/i.test(field))).toEqual(
        [],
      );
    }
  });

  test("masks the token of a link that came as a path", () => {
    const [logs] = Object.values(made.accessLog.findResources("AWS::Logs::LogGroup"));
    const policy = logs!["Properties"].DataProtectionPolicy;
    const [{ Name, Regex }] = policy.Configuration.CustomDataIdentifier;
    for (const { DataIdentifier } of policy.Statement) expect(DataIdentifier).toEqual([Name]);
    expect(policy.Statement[1].Operation.Deidentify).toBeDefined();
    const masked = (path: string) => path.replace(new RegExp(Regex), "*");
    // As long as a reset's and an invitation's: 48 and 80 bytes.
    for (const length of [64, 107]) {
      expect(masked(`/harbor/enroll%23harbor.${"aB-_9".repeat(22).slice(0, length)}`)).toBe(
        "/harbor/enroll%23harbor*",
      );
    }
    for (const path of ["/assets/portal.en-B2f9aQ_x.json", `/clients/${"0".repeat(26)}`])
      expect(masked(path)).toBe(path);
  });

  interface Rule {
    Name: string;
    Priority: number;
    Action?: { Block?: { CustomResponse?: { ResponseCode: number } } };
    Statement: {
      RateBasedStatement: { Limit: number };
      ManagedRuleGroupStatement?: { Name: string; RuleActionOverrides: { Name: string; ActionToUse: object }[] };
    };
  }
  /** The rules of a site's web ACL, in the order in which they are judged. */
  const rules = (of: Synthesised, site: "Staff" | "Portal"): Rule[] => {
    const [acl] = Object.values(of.firewall.findResources("AWS::WAFv2::WebACL")).filter(
      ({ Properties }) => Properties.Description === `Latchkey: ${site.toLowerCase()}`,
    );
    return acl!["Properties"].Rules;
  };
  const rule = (of: Synthesised, site: "Staff" | "Portal", name: string) =>
    rules(of, site).find(({ Name }) => Name === name)!;
  const limit = (of: Synthesised, site: "Staff" | "Portal", name: string) =>
    rule(of, site, name).Statement.RateBasedStatement.Limit;

  test("has a web ACL for each distribution, with five rules", () => {
    made.firewall.resourceCountIs("AWS::WAFv2::WebACL", 2);
    for (const site of ["Staff", "Portal"] as const) {
      expect(rules(made, site).map(({ Priority }) => Priority)).toEqual([0, 1, 2, 3, 4]);
      const { DistributionConfig } = made.one<{ DistributionConfig: { WebACLId: unknown } }>(
        "AWS::CloudFront::Distribution",
        `Edge${site}`,
      );
      expect(JSON.stringify(DistributionConfig.WebACLId)).toContain(site === "Staff" ? "GetAttAcl" : "GetAttPortalAcl");
    }
    const logged = Object.values(made.firewall.findResources("AWS::WAFv2::LoggingConfiguration"));
    expect(new Set(logged.map(({ Properties }) => JSON.stringify(Properties.ResourceArn))).size).toBe(2);
  });

  test.each(["Staff", "Portal"] as const)("slows guessing at every door of %s, and refuses as the API does", (site) => {
    const doors = rule(made, site, "Doors");
    expect(doors.Statement.RateBasedStatement).toMatchObject({ EvaluationWindowSec: 300, AggregateKeyType: "IP" });
    expect(JSON.stringify(doors)).toMatch(/portal\/sign-in.*portal\/enrollment.*portal\/password.*staff\/sign-in/);
    expect(JSON.stringify(doors)).not.toContain("callback");
    expect(doors.Action!.Block!.CustomResponse!.ResponseCode).toBe(429);
  });

  test("has every request behind the doors in which somebody tells a password, a code or another proof", () => {
    interface Operation { requestBody?: { content: Record<string, { schema: object }> } }
    const { paths, components } = JSON.parse(readFileSync(new URL("../../../shared/openapi.json", import.meta.url), "utf8")) as {
      paths: Record<string, Record<string, Operation>>;
      components: { schemas: Record<string, object> };
    };
    const tells = (schema: object, seen: string[] = []): boolean =>
      Object.entries(schema).some(([name, value]: [string, unknown]) => {
        if (name === "$ref") {
          const of = String(value).split("/").pop()!;
          return !seen.includes(of) && tells(components.schemas[of]!, [...seen, of]);
        }
        if (name === "properties") return ["password", "code", "proof"].some((one) => one in (value as object)) || tells(value as object, seen);
        return typeof value === "object" && value !== null && tells(value, seen);
      });
    const told = Object.entries(paths)
      .filter(([path, item]) => path.startsWith("/api/portal/") && Object.values(item).some(({ requestBody }) => requestBody && tells(requestBody)))
      .map(([path]) => path);
    expect(told).toContain("/api/portal/sign-in/factor");
    expect(told).toContain("/api/portal/account/passkeys/{passkeyId}");
    const doors = [...JSON.stringify(rule(made, "Portal", "Doors")).matchAll(/"SearchString":"([^"]+)"/g)].map(([, path]) => path!);
    expect(told.filter((path) => !doors.some((door) => path.startsWith(door)))).toEqual([]);
    // What is only read is none.
    for (const path of ["/api/portal/account", "/api/portal/session", "/api/portal/apps"])
      expect(doors.some((door) => path.startsWith(door))).toBe(false);
  });

  test("lets all staff of a practice sign in from one address at once, and a stranger guess no more for it", () => {
    expect(limit(made, "Portal", "Doors")).toBe(100);
    expect(limit(made, "Staff", "Doors")).toBe(4 * given().people.staff);
    const large = new Synthesised({ people: { staff: 300, clients: 20_000 } });
    expect(limit(large, "Portal", "Doors")).toBe(100);
    expect(limit(large, "Staff", "Doors")).toBe(1200);
    expect(limit(new Synthesised({ doorLimit: 500 }), "Staff", "Doors")).toBe(500);
  });

  test("takes the forms and the long addresses of apps for what they are, and logs no secret of theirs", () => {
    const groups = rules(made, "Portal").map(({ Statement }) => Statement.ManagedRuleGroupStatement);
    const common = groups.find((group) => group?.Name === "AWSManagedRulesCommonRuleSet")!;
    const counted = common.RuleActionOverrides.filter(({ ActionToUse }) => "Count" in ActionToUse);
    // A body is a form or JSON, an address has others in it and a text of the app.
    for (const part of ["BODY", "QUERYARGUMENTS"])
      for (const guess of ["CrossSiteScripting", "GenericLFI", "GenericRFI", "EC2MetaDataSSRF"])
        expect(counted).toContainEqual({ Name: `${guess}_${part}`, ActionToUse: { Count: {} } });
    for (const Name of ["SizeRestrictions_BODY", "SizeRestrictions_QUERYSTRING", "RestrictedExtensions_QUERYARGUMENTS"])
      expect(counted).toContainEqual({ Name, ActionToUse: { Count: {} } });
    const [logging] = Object.values(made.firewall.findResources("AWS::WAFv2::LoggingConfiguration"));
    expect(logging!["Properties"].RedactedFields).toEqual([
      { SingleHeader: { Name: "cookie" } },
      { SingleHeader: { Name: "authorization" } },
      { QueryString: {} },
    ]);
  });

  test("lets no address have the API to itself, and a front desk share one", () => {
    const api = rule(made, "Portal", "Api");
    expect(api.Statement.RateBasedStatement).toMatchObject({
      Limit: 3000,
      EvaluationWindowSec: 300,
      AggregateKeyType: "IP",
      ScopeDownStatement: {
        ByteMatchStatement: { SearchString: "/api/", PositionalConstraint: "STARTS_WITH" },
      },
    });
    expect(api.Action!.Block!.CustomResponse!.ResponseCode).toBe(429);
    expect(limit(made, "Staff", "Api")).toBe(100 * given().people.staff);
    expect(limit(new Synthesised({ apiLimit: 600 }), "Portal", "Api")).toBe(600);
  });

  test.each([1, 50, 400, 10_000])("takes at each route more than twice what one address may, with %s staff", (staff) => {
    const { api, route } = limits(given({ people: { staff, clients: 2000 } }));
    for (const each of [api.Staff, api.Portal]) expect(2 * (each / 300)).toBeLessThan(route.rate);
  });

  test("lets blocked addresses in nowhere, before anything else is judged", () => {
    made.firewall.resourceCountIs("AWS::WAFv2::IPSet", 0);
    const blockedAddresses = ["192.0.2.7", "198.51.100.0/24", "2001:db8::/48"];
    const blocking = new Synthesised({ blockedAddresses });
    const sets = blocking.firewall.findResources("AWS::WAFv2::IPSet");
    const of = (version: string) =>
      Object.entries(sets).find(([, set]) => set["Properties"].IPAddressVersion === version)!;
    expect(of("IPV4")[1]["Properties"].Addresses).toEqual(["192.0.2.7/32", "198.51.100.0/24"]);
    expect(of("IPV6")[1]["Properties"].Addresses).toEqual(["2001:db8::/48"]);
    for (const site of ["Staff", "Portal"] as const) {
      for (const [priority, version] of ["IPV4", "IPV6"].entries()) {
        expect(rules(blocking, site)[priority]).toMatchObject({
          Priority: priority,
          Action: { Block: {} },
          Statement: { IPSetReferenceStatement: { Arn: { "Fn::GetAtt": [of(version)[0], "Arn"] } } },
        });
      }
      expect(rules(blocking, site)).toHaveLength(7);
    }
  });

  test.each(["192.0.2.0/33", "192.0.2", "::/0", "0.0.0.0/0", "192.0.2.0/", "192.0.2.0/2/4", "clinic.example"])(
    "blocks no %s",
    (address) => {
      expect(() => given({ blockedAddresses: ["192.0.2.1", address] })).toThrow(/blockedAddresses:/);
    },
  );
});
