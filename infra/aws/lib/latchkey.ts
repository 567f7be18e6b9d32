// The whole of Latchkey in an account: firewall and access log where AWS wants them, and all else in the
// practice's own region, what must not be lost apart from what each version makes anew.
import { CfnOutput, Stack, Tags, type App, type StackProps } from "aws-cdk-lib";
import { CfnLogGroup } from "aws-cdk-lib/aws-logs";
import { StringParameter } from "aws-cdk-lib/aws-ssm";
import type { Construct } from "constructs";
import { AccessLog } from "./access-log.ts";
import { Api } from "./api.ts";
import { Archivist } from "./archivist.ts";
import { Data } from "./data.ts";
import { Edge } from "./edge.ts";
import { Firewall } from "./firewall.ts";
import { Functions } from "./functions.ts";
import { Mail } from "./mail.ts";
import { Notices } from "./notices.ts";
import { OpsRole } from "./ops-role.ts";
import type { OUTPUTS } from "./outputs.ts";
import { Plans } from "./plans.ts";
import { keyNames, type Settings, type Site } from "./settings.ts";
import { Staff } from "./staff.ts";
import { Watch } from "./watch.ts";

interface Props extends StackProps {
  settings: Settings;
  data: Data;
  binaries: string;
  webAclArns: Record<Site, string>;
}

export class Latchkey extends Stack {
  readonly functions: Functions;
  readonly edge: Edge;

  constructor(scope: Construct, id: string, props: Props) {
    super(scope, id, props);
    const { data, settings } = props;
    const names = keyNames(settings.deployment);
    const published = (name: string) => StringParameter.valueForStringParameter(this, name);

    const api = new Api(this, "Api", settings, data);
    const edge = (this.edge = new Edge(this, "Edge", settings, {
      apiHost: api.host,
      originVersion: published(names.originVersion),
      webAclArns: props.webAclArns,
    }));
    this.functions = new Functions(this, "Functions", {
      data,
      settings,
      binaries: props.binaries,
      staffOrigin: edge.staffOrigin,
      portalOrigin: edge.portalOrigin,
      verifyingKeys: published(names.verifyingKeys),
      originDigests: published(names.originDigests),
    });
    api.route(this.functions);
    const mail = new Mail(this, "Mail", settings, data, this.functions);
    const notices = new Notices(this, "Notices", data, this.functions);
    const archivist = new Archivist(this, "Archivist", settings, data);
    const staff = new Staff(this, "Staff", settings, this.functions, edge.staffOrigin);
    new Watch(this, "Watch", settings, { api, archivist, data, functions: this.functions, mail, notices });
    new OpsRole(this, "Ops", settings, {
      data,
      site: edge.site,
      poolArn: staff.pool?.userPoolArn,
      queueArns: [mail.failed, mail.failedEvents, notices.failed].map(({ queueArn }) => queueArn),
    });

    // For the stacks of any version, as those of the data: see `exportAlways` there.
    for (const { distributionId } of [edge.staff, edge.portal]) this.exportValue(distributionId);
    const outputs: Record<(typeof OUTPUTS)[number], string | undefined> = {
      StaffSite: edge.staffOrigin,
      PortalSite: edge.portalOrigin,
      StaffDistribution: edge.staff.distributionDomainName,
      PortalDistribution: edge.portal.distributionDomainName,
      SiteBucket: edge.site.bucketName,
      StaffPool: staff.pool?.userPoolId,
      FailedMails: mail.failed.queueUrl,
      FailedEvents: mail.failedEvents.queueUrl,
      FailedNotices: notices.failed.queueUrl,
      SendMail: this.functions.get("send-mail").functionName,
      MailEvents: this.functions.get("mail-events").functionName,
      Deliver: this.functions.get("deliver").functionName,
      ApiHost: api.host,
      VerifyingKeys: published(names.verifyingKeys),
      SigningVersion: published(names.signingVersion),
      OriginDigests: published(names.originDigests),
      OriginVersion: published(names.originVersion),
    };
    for (const [name, value] of Object.entries(outputs)) {
      if (value) new CfnOutput(this, name, { value }).overrideLogicalId(name);
    }
  }
}

/** All stacks of a deployment. */
export function latchkey(app: App, settings: Settings, binaries: string, account?: string): Latchkey {
  const { deployment, region } = settings;
  const within = (region: string) => ({
    env: { region, ...(account && { account }) },
    crossRegionReferences: true,
  });
  const firewall = new Firewall(app, `${deployment}-firewall`, settings, within("us-east-1"));
  const data = new Data(app, `${deployment}-data`, settings, {
    ...within(region),
    description: "Latchkey: tables, keys, archive and backups",
  });
  const stack = new Latchkey(app, deployment, {
    ...within(region),
    description: "Latchkey: who may enter a practice's client portal",
    settings,
    data,
    binaries,
    webAclArns: firewall.webAclArns,
  });
  const { staff: Staff, portal: Portal } = stack.edge;
  const accessLog = new AccessLog(app, `${deployment}-access-log`, settings, { Staff, Portal }, within("us-east-1"));
  if (settings.edgePlan !== "none") {
    const sites = {
      Staff: { distribution: Staff, webAclArn: firewall.webAclArns.Staff },
      Portal: { distribution: Portal, webAclArn: firewall.webAclArns.Portal },
    };
    new Plans(app, `${deployment}-plans`, settings.edgePlan, sites, within("us-east-1")).addStackDependency(accessLog);
  }
  // CloudFormation takes a change of what is kept only with one of a resource.
  for (const one of app.node.findAll()) if (one instanceof CfnLogGroup) one.addMetadata("kept", settings.keepData);
  for (const [key, value] of Object.entries({ application: "latchkey", deployment, ...settings.tags })) {
    Tags.of(app).add(key, value);
  }
  return stack;
}
