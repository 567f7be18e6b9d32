// The firewalls in front of the two sites: one each, since staff and clients come in different numbers. They live in
// a stack of their own, since AWS keeps what is CloudFront's in us-east-1, wherever the practice's data are.
import { ArnFormat, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { CfnIPSet, CfnLoggingConfiguration, CfnWebACL } from "aws-cdk-lib/aws-wafv2";
import type { Construct } from "constructs";
import { known } from "./known.ts";
import { addressRange, limits, type Settings, type Site } from "./settings.ts";

/** Where people guess: sign-in, enrolment, reset, and what asks for the password again. Not the way back from the
 *  staff's issuer, which follows each sign-in there: counted too, it would halve what staff behind one address have.
 *  Both sites lead to the same API. */
const DOORS = [
  "/api/portal/sign-in",
  "/api/portal/enrollment",
  "/api/portal/password",
  // Of the person who is signed in: address, password, and every second factor.
  "/api/portal/account/",
  "/api/portal/email-confirmation",
  "/api/staff/sign-in",
];

/** With what the names of a site's parts begin. */
const OF_SITE: Record<Site, string> = { Staff: "", Portal: "Portal" };

/** What somebody is told who asked too often; the API's own problem for it. */
const TOO_MANY = {
  type: "about:blank",
  title: "Too many requests",
  status: 429,
  code: "too_many_attempts",
  detail: "Too many requests came from this address. Wait a few minutes.",
};

/** Rules are judged in the order in which they are listed. */
type Rule = Omit<CfnWebACL.RuleProperty, "priority">;

export class Firewall extends Stack {
  /** By site. A web ACL of its own for each distribution is also what CloudFront's flat-rate plans ask for. */
  readonly webAclArns: Record<Site, string>;

  constructor(scope: Construct, id: string, settings: Settings, props: StackProps) {
    super(scope, id, props);
    const visibility = (metricName: string) => ({
      cloudWatchMetricsEnabled: true,
      metricName,
      // Samples keep whole requests.
      sampledRequestsEnabled: false,
    });
    const managed = (name: string, counted: string[] = []): Rule => ({
      name,
      overrideAction: { none: {} },
      statement: {
        managedRuleGroupStatement: {
          vendorName: "AWS",
          name,
          ruleActionOverrides: counted.map((rule) => ({ name: rule, actionToUse: { count: {} } })),
        },
      },
      visibilityConfig: visibility(name),
    });
    /** Refuses an address that has asked for any of these paths so often within five minutes. */
    const limited = (name: string, limit: number, paths: string[]): Rule => {
      const [first, ...more] = paths.map((path) => ({
        byteMatchStatement: {
          fieldToMatch: { uriPath: {} },
          positionalConstraint: "STARTS_WITH",
          searchString: path,
          textTransformations: [
            { priority: 0, type: "URL_DECODE" },
            { priority: 1, type: "NORMALIZE_PATH" },
            { priority: 2, type: "LOWERCASE" },
          ],
        },
      }));
      return {
        name,
        action: {
          block: {
            customResponse: {
              responseCode: 429,
              customResponseBodyKey: "tooMany",
              responseHeaders: [{ name: "Retry-After", value: "300" }],
            },
          },
        },
        statement: {
          rateBasedStatement: {
            limit,
            aggregateKeyType: "IP",
            evaluationWindowSec: 300,
            // An "or" of one is none to WAF.
            scopeDownStatement: more.length ? { orStatement: { statements: [first!, ...more] } } : first!,
          },
        },
        visibilityConfig: visibility(name),
      };
    };
    // A set holds addresses of one version only.
    const blocked = (["IPV4", "IPV6"] as const).flatMap((version): Rule[] => {
      const ranges = settings.blockedAddresses.map(addressRange).filter((range) => range?.version === version);
      if (!ranges.length) return [];
      const set = new CfnIPSet(this, version, {
        scope: "CLOUDFRONT",
        ipAddressVersion: version,
        addresses: ranges.map((range) => range!.cidr),
      });
      return [
        {
          name: `Blocked${version}`,
          action: { block: {} },
          statement: { ipSetReferenceStatement: { arn: set.attrArn } },
          visibilityConfig: visibility(`Blocked${version}`),
        },
      ];
    });
    const managedRules = [
      managed("AWSManagedRulesAmazonIpReputationList"),
      // Names, notes and passwords are free text that no page shows as anything but text, and bodies are
      // read strictly: rules that guess at them would refuse a good password now and then.
      managed("AWSManagedRulesCommonRuleSet", [
        "CrossSiteScripting_BODY",
        "GenericLFI_BODY",
        "GenericRFI_BODY",
        "EC2MetaDataSSRF_BODY",
        "SizeRestrictions_BODY",
        // So is the `state` of an app that asks to be let in, which comes in an address with others in it and
        // may be long. A page reads it, or the API strictly.
        "CrossSiteScripting_QUERYARGUMENTS",
        "GenericLFI_QUERYARGUMENTS",
        "GenericRFI_QUERYARGUMENTS",
        "EC2MetaDataSSRF_QUERYARGUMENTS",
        "RestrictedExtensions_QUERYARGUMENTS",
        "SizeRestrictions_QUERYSTRING",
        // Services that fetch the public keys, and apps, need not say what they are.
        "NoUserAgent_HEADER",
      ]),
      managed("AWSManagedRulesKnownBadInputsRuleSet"),
    ];
    const { doors, api } = limits(settings);
    const made = (site: Site) =>
      // The staff's keeps the name of the one that both sites had: a deployment of before could not give it up.
      new CfnWebACL(this, `${OF_SITE[site]}Acl`, {
        scope: "CLOUDFRONT",
        description: `Latchkey: ${site.toLowerCase()}`,
        defaultAction: { allow: {} },
        visibilityConfig: visibility("all"),
        customResponseBodies: {
          tooMany: { contentType: "APPLICATION_JSON", content: JSON.stringify(TOO_MANY) },
        },
        rules: [
          ...blocked,
          limited("Doors", doors[site], DOORS),
          limited("Api", api[site], ["/api/"]),
          ...managedRules,
        ].map((rule, priority) => ({ ...rule, priority })),
      });
    const acls = { Staff: made("Staff"), Portal: made("Portal") };
    this.webAclArns = { Staff: acls.Staff.attrArn, Portal: acls.Portal.attrArn };
    // For the stacks of any version, as those of the data: see `exportAlways` there.
    for (const arn of Object.values(this.webAclArns)) this.exportValue(arn);

    // WAF demands this beginning of the name. Only what was refused is logged: an address that was refused is
    // what the log is for, and it is forgotten after a month.
    const logs = new LogGroup(this, "Logs", {
      logGroupName: `aws-waf-logs-${settings.deployment}`,
      retention: 30,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    known(logs, {
      "HIPAA.Security-CloudWatchLogGroupEncrypted":
        "holds addresses of refused requests for a month, nothing of clients",
    });
    for (const site of ["Staff", "Portal"] as const) this.log(site, acls[site], logs);
  }

  private log(site: Site, acl: CfnWebACL, logs: LogGroup): void {
    new CfnLoggingConfiguration(this, `${OF_SITE[site]}Logging`, {
      resourceArn: acl.attrArn,
      logDestinationConfigs: [
        this.formatArn({
          service: "logs",
          resource: "log-group",
          resourceName: logs.logGroupName,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ],
      loggingFilter: {
        DefaultBehavior: "DROP",
        Filters: [
          {
            Behavior: "KEEP",
            Requirement: "MEETS_ANY",
            Conditions: [{ ActionCondition: { Action: "BLOCK" } }],
          },
        ],
      },
      redactedFields: [
        ...["cookie", "authorization"].map((Name) => ({ singleHeader: { Name } })),
        { queryString: {} },
      ],
    });
  }
}
