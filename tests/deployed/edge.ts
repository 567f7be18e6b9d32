// CloudFront, as far as our stack asks for it, in front of the emulator, which has the distributions but
// serves none of their origins. It does what the deployed configuration says: behaviours, the function in
// front of the pages, what is passed on, the header that the API asks for, the headers of answers, and how long
// an error is kept for the next who asks.
import { createServer, request, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import {
  CloudFrontClient,
  GetCachePolicyCommand,
  GetDistributionConfigCommand,
  GetFunctionCommand,
  GetOriginRequestPolicyCommand,
  GetResponseHeadersPolicyCommand,
  ListDistributionsCommand,
  type CacheBehavior,
  type Origin,
} from "@aws-sdk/client-cloudfront";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";

type Headers = Record<string, string>;
type Handler = (event: { request: { uri: string } }) => { uri: string };

interface Behaviour {
  pattern: string;
  methods: string[];
  origin: Origin;
  rewrite?: Handler;
  passed: string[];
  added: Headers;
}

interface Site {
  behaviours: Behaviour[];
  /** Seconds that an error is kept, where the distribution says. */
  errorTtls: Map<number, number>;
}

interface Reply {
  status: number;
  headers: Record<string, string | string[]>;
  body: Buffer;
}

/** Errors that CloudFront keeps by itself, and for how many seconds; and those of them of which it does what
 *  `Cache-Control` says. */
const KEPT_ERRORS = [404, 410, 414, 500, 501, 502, 503, 504];
const ERROR_TTL = 10;
const OBEDIENT_ERRORS = [404, 410, 414, 501];

const NOT_PASSED_BACK = new Set([
  "connection",
  "content-length",
  "transfer-encoding",
  "keep-alive",
  "date",
  "server",
]);

/** Asked for this path, the edge does as was deployed last: CloudFront takes minutes to. */
export const SPREAD = "/_edge/spread";

export class Edge {
  private readonly servers: Server[] = [];
  private readonly keptErrors = new Map<string, { reply: Reply; until: number }>();

  private constructor(
    private sites: Map<string, Site>,
    private readonly emulator: URL,
    private readonly s3: S3Client,
  ) {}

  /** Reads what is deployed. */
  static async of(emulator: URL): Promise<Edge> {
    return new Edge(await Edge.read(), emulator, new S3Client({ forcePathStyle: true }));
  }

  private static async read(): Promise<Map<string, Site>> {
    const cloudFront = new CloudFrontClient({});
    const { DistributionList } = await cloudFront.send(new ListDistributionsCommand({}));
    const sites = new Map<string, Site>();
    for (const { Id, DomainName } of DistributionList?.Items ?? []) {
      const { DistributionConfig: config } = await cloudFront.send(new GetDistributionConfigCommand({ Id }));
      const behaviours = [
        ...(config!.CacheBehaviors?.Items ?? []),
        { ...config!.DefaultCacheBehavior!, PathPattern: "/*" },
      ];
      const errors = config!.CustomErrorResponses?.Items ?? [];
      sites.set(DomainName!, {
        behaviours: await Promise.all(
          behaviours.map((one) => read(cloudFront, one, config!.Origins!.Items!)),
        ),
        errorTtls: new Map(errors.map((one) => [one.ErrorCode!, one.ErrorCachingMinTTL ?? ERROR_TTL])),
      });
    }
    return sites;
  }

  /** Serves on a free port of the loopback; with a certificate, over TLS. */
  async listen(tls?: { key: string; cert: string }): Promise<number> {
    const answer = (asked: IncomingMessage, reply: import("node:http").ServerResponse) => {
      this.answer(asked)
        .catch((error: Error): Reply => ({ status: 502, headers: {}, body: Buffer.from(error.message) }))
        .then(({ status, headers, body }) => reply.writeHead(status, headers).end(body));
    };
    const server = tls ? createTlsServer(tls, answer) : createServer(answer);
    this.servers.push(server as Server);
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    return (server.address() as { port: number }).port;
  }

  close(): void {
    for (const server of this.servers) server.close();
  }

  private async answer(asked: IncomingMessage): Promise<Reply> {
    const host = (asked.headers.host ?? "").split(":")[0]!;
    const { pathname, search } = new URL(asked.url ?? "/", "http://host");
    if (pathname === SPREAD) {
      this.sites = await Edge.read();
      return { status: 204, headers: {}, body: Buffer.alloc(0) };
    }
    const site = this.sites.get(host);
    const behaviour = site?.behaviours.find(({ pattern }) => matches(pattern, pathname));
    if (!site || !behaviour) return { status: 403, headers: {}, body: Buffer.from(`no distribution ${host}`) };
    if (!behaviour.methods.includes(asked.method!))
      return { status: 403, headers: {}, body: Buffer.from("method") };
    const uri = behaviour.rewrite?.({ request: { uri: pathname } }).uri ?? pathname;
    const keeps = ["GET", "HEAD"].includes(asked.method!);
    const kept = this.keptErrors.get(host + uri);
    if (keeps && kept && kept.until > Date.now()) return kept.reply;
    const reply = behaviour.origin.DomainName!.includes(".execute-api.")
      ? await this.api(behaviour, asked, uri + search)
      : await this.file(behaviour.origin, uri);
    for (const [name, value] of Object.entries(behaviour.added)) reply.headers[name] ??= value;
    const noStore = /no-store|no-cache|private/.test(String(reply.headers["cache-control"]));
    const passing = OBEDIENT_ERRORS.includes(reply.status) && noStore;
    if (keeps && KEPT_ERRORS.includes(reply.status) && !passing) {
      const seconds = site.errorTtls.get(reply.status) ?? ERROR_TTL;
      this.keptErrors.set(host + uri, { reply, until: Date.now() + seconds * 1000 });
    }
    return reply;
  }

  private async api(behaviour: Behaviour, asked: IncomingMessage, path: string): Promise<Reply> {
    const id = behaviour.origin.DomainName!.split(".")[0];
    const headers: Headers = {
      host: `${id}.execute-api.localhost:${this.emulator.port}`,
      "user-agent": "Amazon CloudFront",
      // Replaces what the viewer says of it, and goes on only where the policy names it.
      ...(behaviour.passed.includes("cloudfront-viewer-address") && {
        "cloudfront-viewer-address": String(asked.headers["x-viewer-address"] ?? "127.0.0.1:1"),
      }),
    };
    for (const name of [...behaviour.passed, "cookie", "content-type", "content-length"]) {
      const value = asked.headers[name];
      if (typeof value === "string" && name !== "cloudfront-viewer-address") headers[name] = value;
    }
    for (const { HeaderName, HeaderValue } of behaviour.origin.CustomHeaders?.Items ?? []) {
      headers[HeaderName!.toLowerCase()] = HeaderValue!;
    }
    return new Promise((resolve, reject) => {
      const to = { host: "127.0.0.1", port: this.emulator.port, method: asked.method, path, headers };
      const passedOn = request(to, (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () => {
          const kept = Object.entries(answer.headers).filter(([name]) => !NOT_PASSED_BACK.has(name));
          resolve({
            status: answer.statusCode!,
            headers: Object.fromEntries(kept) as Reply["headers"],
            body: Buffer.concat(chunks),
          });
        });
      });
      passedOn.on("error", reject);
      asked.pipe(passedOn);
    });
  }

  private async file(origin: Origin, uri: string): Promise<Reply> {
    const Bucket = origin.DomainName!.split(".")[0];
    try {
      const object = await this.s3.send(new GetObjectCommand({ Bucket, Key: uri.slice(1) }));
      const headers = {
        "content-type": object.ContentType ?? "",
        "cache-control": object.CacheControl ?? "",
      };
      return { status: 200, headers, body: Buffer.from(await object.Body!.transformToByteArray()) };
    } catch (error) {
      if ((error as Error).name === "NoSuchKey") return { status: 403, headers: {}, body: Buffer.alloc(0) };
      throw error;
    }
  }
}

async function read(cloudFront: CloudFrontClient, one: CacheBehavior, origins: Origin[]): Promise<Behaviour> {
  const [association] = one.FunctionAssociations?.Items ?? [];
  const passed = one.OriginRequestPolicyId
    ? [
        ...(await tellingApart(cloudFront, one.CachePolicyId!)),
        ...(await forwarded(cloudFront, one.OriginRequestPolicyId)),
      ]
    : [];
  const answers = await cloudFront.send(
    new GetResponseHeadersPolicyCommand({ Id: one.ResponseHeadersPolicyId }),
  );
  const { SecurityHeadersConfig: security, CustomHeadersConfig: custom } =
    answers.ResponseHeadersPolicy!.ResponseHeadersPolicyConfig!;
  const hsts = security?.StrictTransportSecurity;
  return {
    pattern: one.PathPattern!,
    methods: one.AllowedMethods?.Items ?? ["GET", "HEAD"],
    origin: origins.find((origin) => origin.Id === one.TargetOriginId)!,
    ...(association && { rewrite: await rewrite(cloudFront, association.FunctionARN!) }),
    passed: passed.map((name) => name.toLowerCase()),
    added: {
      "content-security-policy": security!.ContentSecurityPolicy!.ContentSecurityPolicy!,
      "referrer-policy": security!.ReferrerPolicy!.ReferrerPolicy!,
      "x-content-type-options": "nosniff",
      "strict-transport-security": `max-age=${hsts?.AccessControlMaxAgeSec}; includeSubDomains`,
      ...Object.fromEntries(
        (custom?.Items ?? []).map(({ Header, Value }) => [Header!.toLowerCase(), Value!]),
      ),
    },
  };
}

/** Whether a path is one of a pattern's, whose only wildcard stands at its end. */
const matches = (pattern: string, path: string) =>
  pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : path === pattern;

/** The headers that an origin request policy names. `Authorization` it cannot name. */
async function forwarded(cloudFront: CloudFrontClient, Id: string): Promise<string[]> {
  const { OriginRequestPolicy: policy } = await cloudFront.send(new GetOriginRequestPolicyCommand({ Id }));
  const headers = policy?.OriginRequestPolicyConfig?.HeadersConfig?.Headers?.Items ?? [];
  if (headers.some((name) => /^authorization$/i.test(name))) throw new Error("CloudFront refuses Authorization here");
  return headers;
}

/** The headers by which kept answers are told apart, which are passed on too. They can be named only where an
 *  answer may be kept. */
async function tellingApart(cloudFront: CloudFrontClient, Id: string): Promise<string[]> {
  const { CachePolicy: policy } = await cloudFront.send(new GetCachePolicyCommand({ Id }));
  const config = policy?.CachePolicyConfig;
  const headers = config?.ParametersInCacheKeyAndForwardedToOrigin?.HeadersConfig?.Headers?.Items ?? [];
  if (headers.length && !config?.MaxTTL) throw new Error("CloudFront refuses headers where nothing is kept");
  return headers;
}

async function rewrite(cloudFront: CloudFrontClient, arn: string): Promise<Handler> {
  const { FunctionCode } = await cloudFront.send(
    new GetFunctionCommand({ Name: arn.split("/").pop(), Stage: "LIVE" }),
  );
  return new Function(`${Buffer.from(FunctionCode!).toString()}; return handler;`)() as Handler;
}
