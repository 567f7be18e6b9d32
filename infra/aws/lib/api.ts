// The HTTP API: its routes are the committed OpenAPI document's, so that there is none on one side only.
// An operation's id names the function that serves it, up to the first dot.
import { readFileSync } from "node:fs";
import { Fn, Stack } from "aws-cdk-lib";
import {
  CfnStage,
  HttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  HttpRoute,
  HttpRouteKey,
} from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { Stats, type Metric } from "aws-cdk-lib/aws-cloudwatch";
import { ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { FilterPattern, LogGroup, MetricFilter } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { Data } from "./data.ts";
import type { Functions } from "./functions.ts";
import { kept } from "./kept.ts";
import { known } from "./known.ts";
import { limits, type Settings } from "./settings.ts";

const DOCUMENT = new URL("../../../shared/openapi.json", import.meta.url);
const METHODS = ["get", "put", "post", "patch", "delete"] as const;

export interface Operation {
  method: HttpMethod;
  path: string;
  function: string;
}

/** The operations of the API document. */
export function operations(): Operation[] {
  type Path = Partial<Record<(typeof METHODS)[number], { operationId: string }>>;
  const document = JSON.parse(readFileSync(DOCUMENT, "utf8")) as { paths: Record<string, Path> };
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const id = item[method]?.operationId.split(".")[0];
      return id ? [{ method: method.toUpperCase() as HttpMethod, path, function: id }] : [];
    }),
  );
}

/** A function behind routes. The CDK's own adds a permission for each route, which are resources, of which a stack has
 *  500; and a function's routes are all of this API anyway. */
class Integration extends HttpLambdaIntegration {
  override completeBind(): void {}
}

/** The API without its routes: the sites lead to it, and the functions must know the sites' addresses before
 *  there can be routes. */
export class Api extends Construct {
  readonly api: HttpApi;
  /** Where CloudFront finds it. */
  readonly host: string;
  /** Requests that the API itself turned away, being asked for more than `throttle` allows. */
  readonly turnedAway: Metric;
  private readonly stage: CfnStage;
  private readonly throttle: object;

  constructor(scope: Construct, id: string, settings: Settings, data: Data) {
    super(scope, id);
    this.api = new HttpApi(this, "Http", { apiName: settings.deployment, createDefaultStage: false });
    const stack = Stack.of(this);
    this.host = Fn.join("", [this.api.apiId, ".execute-api.", stack.region, ".", stack.urlSuffix]);

    const logs = new LogGroup(this, "Logs", {
      logGroupName: `/${settings.deployment}/api`,
      retention: settings.logDays,
      encryptionKey: data.key,
      removalPolicy: kept(settings),
    });
    const { rate, burst } = limits(settings).route;
    this.throttle = { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst };
    const stage = this.api.addStage("Stage", {
      stageName: "$default",
      autoDeploy: true,
      throttle: { rateLimit: rate, burstLimit: burst },
    });
    this.stage = stage.node.defaultChild as CfnStage;
    // Which route, how it went and how long it took; neither address, nor browser, nor path with its ids.
    const fields = {
      requestId: "$context.requestId",
      time: "$context.requestTimeEpoch",
      route: "$context.routeKey",
      status: "$context.status",
      milliseconds: "$context.responseLatency",
      functionMilliseconds: "$context.integrationLatency",
      functionStatus: "$context.integrationStatus",
      error: "$context.integrationErrorMessage",
    };
    this.stage.accessLogSettings = {
      destinationArn: logs.logGroupArn,
      format: JSON.stringify(fields),
    };
    // CloudWatch's own figure is of all 4xx; and a 429 that a function gives to somebody who guesses is none.
    this.turnedAway = new MetricFilter(this, "TurnedAway", {
      logGroup: logs,
      filterPattern: FilterPattern.literal('{ $.status = "429" && $.functionStatus != "200" }'),
      // A filter cannot name a dimension of its own: the namespace tells deployments of one account apart.
      metricNamespace: `Latchkey/${settings.deployment}`,
      metricName: "TurnedAway",
    }).metric({ statistic: Stats.SUM });
  }

  /** Gives every operation its function, and whatever is no route `health`, whose answer to it is the same
   *  problem as everywhere else. */
  route(functions: Functions): void {
    const sourceArn = Stack.of(this).formatArn({ service: "execute-api", resource: this.api.apiId, resourceName: "*/*" });
    const integrations = new Map<string, Integration>();
    const to = (name: string) => {
      const known = integrations.get(name);
      if (known) return known;
      const of = functions.get(name);
      of.addPermission("Api", { principal: new ServicePrincipal("apigateway.amazonaws.com"), sourceArn });
      const made = new Integration(name, of);
      integrations.set(name, made);
      return made;
    };
    const add = (id: string, routeKey: HttpRouteKey, name: string) => {
      const route = new HttpRoute(this, id, {
        httpApi: this.api,
        routeKey,
        integration: to(name),
        authorizer: new HttpNoneAuthorizer(),
      });
      known(route, {
        "AwsSolutions-APIG4":
          "the function checks who asks: sessions can end at any moment, authorizers remember",
      });
      // A setting of a route that is not there is refused.
      this.stage.node.addDependency(route);
    };
    const settings: Record<string, object> = {};
    for (const { method, path, function: name } of operations()) {
      add(`${method} ${path.replaceAll("/", " ").trim()}`, HttpRouteKey.with(path, method), name);
      settings[`${method} ${path}`] = this.throttle;
    }
    add("Other", HttpRouteKey.DEFAULT, "health");
    // Each by itself: left to the stage's own setting, nothing says that routes do not share it.
    this.stage.routeSettings = settings;
  }
}
