// What was asked of the two sites, without a word on who asked: CloudFront's log of the fields named here. In a
// stack of its own, since AWS takes such logs from us-east-1 only.
import { ArnFormat, Stack, type StackProps } from "aws-cdk-lib";
import type { Distribution } from "aws-cdk-lib/aws-cloudfront";
import { ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  CfnDelivery,
  CfnDeliveryDestination,
  CfnDeliverySource,
  CustomDataIdentifier,
  DataProtectionPolicy,
  LogGroup,
} from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { kept } from "./kept.ts";
import { known } from "./known.ts";
import type { Settings } from "./settings.ts";

/** Neither address, nor browser, nor cookie, nor referrer, nor query. Paths hold ids at most, but for a link
 *  whose `#` a mail program made a part of the path: its token is masked. */
const FIELDS = [
  "date",
  "time",
  "x-edge-location",
  "x-edge-request-id",
  "x-host-header",
  "cs-method",
  "cs-uri-stem",
  "sc-status",
  "x-edge-detailed-result-type",
  "time-taken",
  "ssl-protocol",
];

/** What follows the practice in a link's token: 48 or more bytes in base64url (`shared/src/token.rs`). */
const TOKEN = "\\.[A-Za-z0-9_-]{64,200}";

export class AccessLog extends Stack {
  constructor(
    scope: Construct,
    id: string,
    settings: Settings,
    distributions: Record<string, Distribution>,
    props: StackProps,
  ) {
    super(scope, id, props);
    const logs = new LogGroup(this, "Logs", {
      // Groups with this beginning do not fill up the account's one policy for deliveries.
      logGroupName: `/aws/vendedlogs/${settings.deployment}/sites`,
      retention: settings.logDays,
      dataProtectionPolicy: new DataProtectionPolicy({
        identifiers: [new CustomDataIdentifier("LinkToken", TOKEN)],
      }),
      removalPolicy: kept(settings),
    });
    known(logs, {
      "HIPAA.Security-CloudWatchLogGroupEncrypted": "says which page was asked for and when, of nobody",
    });
    logs.grantWrite(new ServicePrincipal("delivery.logs.amazonaws.com"));
    const destination = new CfnDeliveryDestination(this, "Destination", {
      name: `${settings.deployment}-sites`,
      destinationResourceArn: this.formatArn({
        service: "logs",
        resource: "log-group",
        resourceName: logs.logGroupName,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
      outputFormat: "json",
    });
    let before: CfnDelivery | undefined;
    for (const [site, distribution] of Object.entries(distributions)) {
      const source = new CfnDeliverySource(this, `${site}Source`, {
        name: `${settings.deployment}-${site.toLowerCase()}`,
        resourceArn: distribution.distributionArn,
        logType: "ACCESS_LOGS",
      });
      const delivery = new CfnDelivery(this, site, {
        deliverySourceName: source.ref,
        deliveryDestinationArn: destination.attrArn,
        recordFields: FIELDS,
      });
      // One after the other: a destination refuses a second delivery while it takes up the first.
      if (before) delivery.addResourceDependency(before);
      before = delivery;
    }
  }
}
