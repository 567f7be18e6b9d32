// The plan of the account: AWS's Free plan, which ends, or the paid one. Asked for by hand, since the SDK of the lock file
// has no client for this service.
// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_freetier_GetAccountPlanState.html>
import { createHash, createHmac, type Hash, type Hmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import type { Deployment } from "./deployment.ts";

export interface AccountPlan {
  type: "FREE" | "PAID";
  status: "NOT_STARTED" | "ACTIVE" | "EXPIRED";
  /** When the Free plan ends, and the account with it. */
  ends?: Date;
  /** Dollars of credits that are left. */
  credits?: number;
}

class Sha256 {
  private readonly hash: Hash | Hmac;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    const key = typeof secret === "string" ? secret : secret && Buffer.from(secret as Uint8Array);
    this.hash = key ? createHmac("sha256", key) : createHash("sha256");
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.hash.update(typeof data === "string" ? data : Buffer.from(data as Uint8Array));
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.hash.digest());
  }
  reset(): void {}
}

/** Undefined for an account from before there were plans. */
export async function accountPlan(d: Deployment): Promise<AccountPlan | undefined> {
  const endpoint = new URL(process.env["AWS_ENDPOINT_URL"] ?? "https://freetier.us-east-1.api.aws");
  const signer = new SignatureV4({
    service: "freetier",
    region: "us-east-1",
    credentials: await d.ssm.config.credentials(),
    sha256: Sha256,
  });
  const { method, headers, body } = await signer.sign({
    method: "POST",
    protocol: endpoint.protocol,
    hostname: endpoint.hostname,
    ...(endpoint.port && { port: Number(endpoint.port) }),
    path: "/",
    headers: {
      host: endpoint.host,
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": "AWSFreeTierService.GetAccountPlanState",
    },
    body: "{}",
  });
  const answer = await fetch(endpoint, { method, headers, body, signal: AbortSignal.timeout(10_000) });
  const told = (await answer.json().catch(() => ({}))) as Record<string, unknown>;
  if (String(told["__type"]).endsWith("ResourceNotFoundException")) return undefined;
  if (!answer.ok || !told["accountPlanType"])
    throw Object.assign(new Error(String(told["message"] ?? answer.status)), {
      name: String(told["__type"] ?? "Unknown").split("#").at(-1),
    });
  const ends = told["accountPlanExpirationDate"] as string | number | undefined;
  const credits = (told["accountPlanRemainingCredits"] as { amount?: number } | undefined)?.amount;
  return {
    type: told["accountPlanType"] as AccountPlan["type"],
    status: told["accountPlanStatus"] as AccountPlan["status"],
    // Seconds, or text.
    ...(ends !== undefined && { ends: new Date(typeof ends === "number" ? ends * 1000 : ends) }),
    ...(credits !== undefined && { credits }),
  };
}
