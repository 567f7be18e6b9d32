// What a function may do with which items of the tables. The kinds of items are told apart by their
// partition keys, which `shared/src/keys.rs` declares; DynamoDB judges them as `dynamodb:LeadingKeys`, the
// attributes that an update names as `dynamodb:Attributes`.
import { Effect, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { ITable } from "aws-cdk-lib/aws-dynamodb";

/** Partition keys of the main table, by kind of item. `*` matches every character, `#` among them: no kind's
 *  marker may occur within another's key, which holds only digests and ids after it. */
const PARTITIONS = {
  chart: "P#*#C#*",
  record: "P#*#R#*",
  account: "P#*#A#*",
  staffSession: "P#*#W#*",
  lock: "P#*#L#*",
  search: "P#*#S#*",
  request: "P#*#I#*",
  health: "HEALTH",
} as const;

/** Items beside which nothing stands in their partition, so that their key is the beginning of all others. */
const PRACTICE = "P#*";

export type Kind = keyof typeof PARTITIONS | "practice";

/** One thing that a function does. */
export interface Right {
  action:
    | "GetItem"
    | "BatchGetItem"
    | "Query"
    | "PutItem"
    | "UpdateItem"
    | "DeleteItem"
    | "ConditionCheckItem";
  on: Kind[] | "history";
  /** The attributes that an update may name; it has no business with others. */
  attributes?: string[];
  /** Whether it happens only inside a transaction, which then holds the history's event too. */
  transaction?: true;
}

export const get = (...on: Kind[]): Right => ({ action: "GetItem", on });
/** Several items in one request: it is allowed only if all of them are. */
export const getTogether = (...on: Kind[]): Right => ({ action: "BatchGetItem", on });
export const query = (...on: Kind[]): Right => ({ action: "Query", on });
export const put = (...on: Kind[]): Right => ({ action: "PutItem", on, transaction: true });
export const remove = (...on: Kind[]): Right => ({ action: "DeleteItem", on, transaction: true });
export const check = (...on: Kind[]): Right => ({ action: "ConditionCheckItem", on, transaction: true });
export const update = (on: Kind, ...attributes: string[]): Right => ({
  action: "UpdateItem",
  on: [on],
  attributes,
});
export const record: Right = { action: "PutItem", on: "history" };
export const readHistory: Right = { action: "Query", on: "history" };

/** Every update raises `rev`, demands that its item is there (`PK`), and names its key. */
const OF_EVERY_UPDATE = ["PK", "SK", "rev"];

/** The statement that allows it. */
export function statement(
  right: Right,
  tables: Record<"main" | "history", Pick<ITable, "tableArn">>,
): PolicyStatement {
  const main = right.on !== "history";
  return new PolicyStatement({
    effect: Effect.ALLOW,
    actions: [`dynamodb:${right.action}`],
    resources: [(main ? tables.main : tables.history).tableArn],
    conditions: right.on === "history" ? {} : conditions(right, right.on),
  });
}

function conditions(right: Right, on: Kind[]): Record<string, Record<string, string[]>> {
  const patterns = on.filter((kind) => kind !== "practice").map((kind) => PARTITIONS[kind]);
  const others = Object.values(PARTITIONS).filter((pattern) => !patterns.includes(pattern));
  const keys: Record<string, Record<string, string[]>> = on.includes("practice")
    ? {
        "ForAllValues:StringLike": { "dynamodb:LeadingKeys": [PRACTICE] },
        "ForAllValues:StringNotLike": { "dynamodb:LeadingKeys": others },
      }
    : { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": patterns } };
  if (right.attributes) {
    keys["ForAllValues:StringEquals"] = {
      "dynamodb:Attributes": [...OF_EVERY_UPDATE, ...right.attributes].sort(),
    };
  }
  if (right.transaction) {
    keys["ForAnyValue:StringEquals"] = { "dynamodb:EnclosingOperation": ["TransactWriteItems"] };
  }
  return keys;
}
