import { Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

/** Findings of the rule packs that stand as they are, each with the reason why. */
export function known(construct: IConstruct, findings: Record<string, string>, ...also: IConstruct[]): void {
  for (const [id, reason] of Object.entries(findings)) {
    for (const one of [construct, ...also]) Validations.of(one).acknowledge({ id, reason });
  }
}

/** Why policies are part of their role. */
export const INLINE =
  "what one function may do is no other's business: a policy that could be shared would be";
