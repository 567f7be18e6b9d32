// CloudFront's flat-rate plans: one for each site, with its distribution and its web ACL. In a stack of its own and the
// last one, so that an account that may not have them has everything else.
import { Stack, type StackProps } from "aws-cdk-lib";
import type { Distribution } from "aws-cdk-lib/aws-cloudfront";
import { CfnSubscription } from "aws-cdk-lib/aws-pricingplanmanager";
import type { Construct } from "constructs";
import type { Settings, Site } from "./settings.ts";

export class Plans extends Stack {
  constructor(
    scope: Construct,
    id: string,
    plan: Exclude<Settings["edgePlan"], "none">,
    sites: Record<Site, { distribution: Distribution; webAclArn: string }>,
    props: StackProps,
  ) {
    super(scope, id, props);
    for (const [site, { distribution, webAclArn }] of Object.entries(sites)) {
      new CfnSubscription(this, site, {
        planFamily: "CloudFront",
        planTier: plan,
        resourceArns: [distribution.distributionArn, webAclArn],
      });
    }
  }
}
