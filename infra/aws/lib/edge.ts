// The two sites: a distribution each, since they must not share a host, in front of one private bucket and
// one API. What the browser is told comes from `infra/headers.json`, as in the local home.
import { readFileSync } from "node:fs";
import { Duration, Fn } from "aws-cdk-lib";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import {
  AccessLevel,
  AllowedMethods,
  CacheCookieBehavior,
  CacheHeaderBehavior,
  CachePolicy,
  CacheQueryStringBehavior,
  Distribution,
  Function as EdgeFunction,
  FunctionCode,
  FunctionEventType,
  FunctionRuntime,
  HeadersReferrerPolicy,
  HttpVersion,
  OriginProtocolPolicy,
  OriginRequestCookieBehavior,
  OriginRequestHeaderBehavior,
  OriginRequestPolicy,
  OriginRequestQueryStringBehavior,
  PriceClass,
  ResponseHeadersPolicy,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
  type IOrigin,
} from "aws-cdk-lib/aws-cloudfront";
import { HttpOrigin, S3BucketOrigin } from "aws-cdk-lib/aws-cloudfront-origins";
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { kept } from "./kept.ts";
import { known } from "./known.ts";
import { keyNames, type Settings, type Site } from "./settings.ts";

/** The header with which CloudFront shows the API that a request came through it. */
export const ORIGIN_HEADER = "x-latchkey-origin";

/** The paths that lead to the API: its own, and the one at which OpenID Connect has apps look for it. */
const API_PATHS = ["/api/*", "/.well-known/openid-configuration"];

/** What functions read of a request's headers, beside `Authorization`. Everything else ends at the edge;
 *  `Content-Type` is passed on in any case, and `Host` must be the API's own. */
const READ_HEADERS = [
  "Origin",
  "Sec-Fetch-Site",
  "Sec-Fetch-Mode",
  "Idempotency-Key",
  "Latchkey-Activity",
  "CloudFront-Viewer-Address",
];

/** Errors that CloudFront would keep for ten seconds and give to everybody who asks for the same, most of them
 *  whatever `Cache-Control` says. They are passed on as they come, and none is kept.
 *  <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/custom-error-pages-expiration.html> */
const ERRORS = [400, 403, 404, 405, 414, 500, 501, 502, 503, 504];

const HEADERS = JSON.parse(readFileSync(new URL("../../headers.json", import.meta.url), "utf8")) as Record<
  string,
  string
>;

export class Edge extends Construct {
  readonly site: Bucket;
  readonly staff: Distribution;
  readonly portal: Distribution;
  readonly staffOrigin: string;
  readonly portalOrigin: string;

  constructor(
    scope: Construct,
    id: string,
    settings: Settings,
    around: { apiHost: string; originVersion: string; webAclArns: Record<Site, string> },
  ) {
    super(scope, id);
    this.site = siteBucket(this, settings);

    // The secret's version is named, so that turning it is a change that CloudFormation sees.
    const secret = Fn.join("", [
      `{{resolve:secretsmanager:${keyNames(settings.deployment).originSecret}:SecretString:::`,
      around.originVersion,
      "}}",
    ]);
    const api = new HttpOrigin(around.apiHost, {
      protocolPolicy: OriginProtocolPolicy.HTTPS_ONLY,
      customHeaders: { [ORIGIN_HEADER]: secret },
      readTimeout: Duration.seconds(30),
    });
    const parts: Parts = {
      settings,
      api,
      // Without the right to list, S3 answers 403 for what is not there. No path lists: `/` is a page.
      site: S3BucketOrigin.withOriginAccessControl(this.site, {
        originAccessLevels: [AccessLevel.READ, AccessLevel.LIST],
      }),
      headers: securityHeaders(this),
      toldApart: toldApart(this),
      forwarded: new OriginRequestPolicy(this, "Forwarded", {
        headerBehavior: OriginRequestHeaderBehavior.allowList(...READ_HEADERS),
        cookieBehavior: OriginRequestCookieBehavior.all(),
        queryStringBehavior: OriginRequestQueryStringBehavior.all(),
      }),
      webAclArns: around.webAclArns,
    };
    this.staff = distribution(this, "Staff", "index.html", parts);
    this.portal = distribution(this, "Portal", "portal.html", parts);
    this.staffOrigin = `https://${settings.hosts?.staff ?? this.staff.distributionDomainName}`;
    this.portalOrigin = `https://${settings.hosts?.portal ?? this.portal.distributionDomainName}`;
  }
}

interface Parts {
  settings: Settings;
  api: IOrigin;
  site: IOrigin;
  headers: ResponseHeadersPolicy;
  toldApart: CachePolicy;
  forwarded: OriginRequestPolicy;
  webAclArns: Record<Site, string>;
}

function distribution(scope: Construct, id: Site, page: string, parts: Parts): Distribution {
  const { settings } = parts;
  const shared = {
    viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
    responseHeadersPolicy: parts.headers,
    compress: true,
  };
  const toApi = {
    ...shared,
    origin: parts.api,
    allowedMethods: AllowedMethods.ALLOW_ALL,
    cachePolicy: parts.toldApart,
    originRequestPolicy: parts.forwarded,
  };
  const pages = new EdgeFunction(scope, `${id}Pages`, {
    comment: `Latchkey: every address that names no file is ${page}`,
    runtime: FunctionRuntime.JS_2_0,
    code: FunctionCode.fromInline(pagesFunction(page)),
  });
  const made = new Distribution(scope, id, {
    comment: `Latchkey ${settings.deployment}: ${id.toLowerCase()}`,
    defaultBehavior: {
      ...shared,
      origin: parts.site,
      allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
      // Answers say themselves how long they keep: hashed files for ever, pages for a minute here and not at all in browsers.
      cachePolicy: CachePolicy.CACHING_OPTIMIZED,
      functionAssociations: [{ function: pages, eventType: FunctionEventType.VIEWER_REQUEST }],
    },
    additionalBehaviors: Object.fromEntries(API_PATHS.map((path) => [path, toApi])),
    errorResponses: ERRORS.map((httpStatus) => ({ httpStatus, ttl: Duration.seconds(0) })),
    httpVersion: HttpVersion.HTTP2_AND_3,
    priceClass: PriceClass.PRICE_CLASS_100,
    webAclId: parts.webAclArns[id],
    ...(settings.hosts && {
      domainNames: [id === "Staff" ? settings.hosts.staff : settings.hosts.portal],
      minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      certificate: Certificate.fromCertificateArn(scope, `${id}Certificate`, settings.hosts.certificateArn),
    }),
  });
  known(made, {
    "AwsSolutions-CFR1":
      "clients travel: a country is no reason to be refused; rates and reputation are judged",
    "AwsSolutions-CFR3":
      "logged by lib/access-log.ts: the kind of log that this rule knows holds addresses and query strings",
    ...(!settings.hosts && {
      "AwsSolutions-CFR4":
        "CloudFront's own host names come with its own certificate and its own choice of TLS",
    }),
  });
  return made;
}

/** CloudFront's function in front of the bucket, as `infra/local/src/site.rs` does it: a path that looks like
 *  a file is one, every other is a page of the application. A link of a mail is a page whatever a mail program
 *  made of its `#`, and of what stands behind it. */
function pagesFunction(page: string): string {
  return [
    "function handler(event) {",
    "  var request = event.request;",
    "  var uri = request.uri;",
    "  var asset = uri.indexOf('/assets/') === 0;",
    "  var file = uri.split('/').pop().indexOf('.') >= 0;",
    "  var link = /^\\/([a-z0-9-]+\\/)?(confirm-email|enroll|password)(?![a-z0-9])/i.test(uri);",
    `  if (!asset && (link || !file)) request.uri = '/${page}';`,
    "  return request;",
    "}",
  ].join("\n");
}

/** What tells requests to the API apart. CloudFront passes `Authorization` on only where kept answers are told apart
 *  by it, and they can be told apart only where one may be kept: here for a second, and if it says so itself. Every
 *  answer of the API says `no-store`, so that none is. Cookies and queries tell requests apart too, so that nobody
 *  could get the answer to another's.
 *  <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html> */
function toldApart(scope: Construct): CachePolicy {
  return new CachePolicy(scope, "ToldApart", {
    headerBehavior: CacheHeaderBehavior.allowList("Authorization"),
    cookieBehavior: CacheCookieBehavior.all(),
    queryStringBehavior: CacheQueryStringBehavior.all(),
    minTtl: Duration.seconds(0),
    defaultTtl: Duration.seconds(0),
    maxTtl: Duration.seconds(1),
  });
}

/** None overrides what an answer says itself: the API's content policy is stricter than the pages'. */
function securityHeaders(scope: Construct): ResponseHeadersPolicy {
  const rest = { ...HEADERS };
  const take = (name: string) => {
    const value = rest[name];
    if (!value) throw new Error(`infra/headers.json lacks ${name}`);
    delete rest[name];
    return value;
  };
  const override = false;
  if (take("x-content-type-options") !== "nosniff") throw new Error("CloudFront knows no other than nosniff");
  return new ResponseHeadersPolicy(scope, "Headers", {
    securityHeadersBehavior: {
      contentSecurityPolicy: { contentSecurityPolicy: take("content-security-policy"), override },
      contentTypeOptions: { override },
      referrerPolicy: { referrerPolicy: take("referrer-policy") as HeadersReferrerPolicy, override },
      strictTransportSecurity: { accessControlMaxAge: Duration.days(730), includeSubdomains: true, override },
    },
    customHeadersBehavior: {
      customHeaders: Object.entries(rest).map(([header, value]) => ({ header, value, override })),
    },
  });
}

/** What is in it was built, and can be built again. */
function siteBucket(scope: Construct, settings: Settings): Bucket {
  const bucket = new Bucket(scope, "Site", {
    encryption: BucketEncryption.S3_MANAGED,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    versioned: true,
    lifecycleRules: [{ noncurrentVersionExpiration: Duration.days(90) }],
    removalPolicy: kept(settings),
  });
  known(bucket, {
    "AwsSolutions-S1":
      "public pages, read through CloudFront alone: there is nothing to tell of who read them",
    "HIPAA.Security-S3BucketLoggingEnabled": "as above",
    "HIPAA.Security-S3BucketReplicationEnabled": "holds a build, which the next deployment makes again",
    "HIPAA.Security-S3DefaultEncryptionKMS": "public pages",
  });
  return bucket;
}
