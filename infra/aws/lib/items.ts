// What a function may do with which items of the tables. The items are told apart by their partition keys,
// which `shared/src/keys.rs` declares; DynamoDB judges them as `dynamodb:LeadingKeys`, the
// attributes that an update names as `dynamodb:Attributes`.
import { Effect, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { ITable } from "aws-cdk-lib/aws-dynamodb";
import { OUTBOX, PARTITIONS, TABLES, wildcard, type Partition } from "./keys.ts";

/** Partition keys of the main table as IAM matches them. `*` matches every character, `#` among them: no
 *  partition's marker may occur within another's key, which holds only digests and ids after it. */
const PATTERNS = new Map(
  Object.entries(PARTITIONS).map(([name, pattern]) => [name as Partition, wildcard(pattern)]),
);

/** A partition whose key is the beginning of all others: it is told apart by what it is not. */
const PRACTICE = "practice";

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
  on: Partition[] | "history" | "lists" | "whole";
  /** The attributes that an update may name; it has no business with others. */
  attributes?: string[];
  /** Whether it happens only inside a transaction, which then holds the history's event too. */
  transaction?: true;
}

export const get = (...on: Partition[]): Right => ({ action: "GetItem", on });
/** Several items in one request: it is allowed only if all of them are. */
export const getTogether = (...on: Partition[]): Right => ({ action: "BatchGetItem", on });
export const query = (...on: Partition[]): Right => ({ action: "Query", on });
export const put = (...on: Partition[]): Right => ({ action: "PutItem", on, transaction: true });
export const remove = (...on: Partition[]): Right => ({ action: "DeleteItem", on, transaction: true });
export const check = (...on: Partition[]): Right => ({ action: "ConditionCheckItem", on, transaction: true });
export const update = (on: Partition, ...attributes: string[]): Right => ({
  action: "UpdateItem",
  on: [on],
  attributes,
});
export const record: Right = { action: "PutItem", on: "history" };
/** The indexes that hold the practice's lists: keys, and nothing else of anybody. */
export const lists: Right = { action: "Query", on: "lists" };
export const readHistory: Right = { action: "Query", on: "history" };
/** The index that holds the history of whole practices. */
export const readWholeHistory: Right = { action: "Query", on: "whole" };

/** Every update raises `rev`, demands that its item is there (`PK`), and names its key. */
const OF_EVERY_UPDATE = ["PK", "SK", "rev"];

/** The statement that allows it. */
export function statement(
  right: Right,
  tables: Record<"main" | "history", Pick<ITable, "tableArn">>,
): PolicyStatement {
  const indexes = TABLES.main.indexes.filter(({ name }) => name !== OUTBOX.index);
  const resources = {
    main: () => [tables.main.tableArn],
    history: () => [tables.history.tableArn],
    whole: () => TABLES.history.indexes.map(({ name }) => `${tables.history.tableArn}/index/${name}`),
    lists: () => indexes.map(({ name }) => `${tables.main.tableArn}/index/${name}`),
  };
  const [on, when] = typeof right.on === "string" ? [right.on, {}] : (["main", conditions(right, right.on)] as const);
  return new PolicyStatement({
    effect: Effect.ALLOW,
    actions: [`dynamodb:${right.action}`],
    resources: resources[on](),
    conditions: when,
  });
}

function patternOf(partition: Partition): string {
  const pattern = PATTERNS.get(partition);
  if (!pattern) throw new Error(`${partition} is no partition of the main table`);
  return pattern;
}

function conditions(right: Right, on: Partition[]): Record<string, Record<string, string[]>> {
  const patterns = on.map(patternOf);
  const others = [...PATTERNS.values()].filter((pattern) => !patterns.includes(pattern));
  const keys: Record<string, Record<string, string[]>> = on.includes(PRACTICE)
    ? {
        "ForAllValues:StringLike": { "dynamodb:LeadingKeys": patterns },
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
