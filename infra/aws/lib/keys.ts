// The keys of both tables, as `shared/src/keys.rs` declares them: `shared/keys.json` is written from it.
import declared from "../../../shared/keys.json" with { type: "json" };

export const { tables: TABLES, sortKeysBegin: SORT_KEYS_BEGIN, outbox: OUTBOX } = declared;

export type Partition = keyof typeof declared.partitions;
export type ItemKind = keyof typeof declared.items;

/** The pattern of every partition's key in the main table, with its placeholders in braces. */
export const PARTITIONS = Object.fromEntries(
  Object.entries(declared.partitions).filter(([name]) =>
    Object.values(declared.items).some(({ table, partition }) => table === "main" && partition === name),
  ),
) as Partial<Record<Partition, string>>;

/** What stands for the placeholders of a pattern. */
type Values = Record<string, string>;

/** A partition's key. */
export const partitionKey = (name: Partition, values: Values) => fill(declared.partitions[name], values);

/** The key of an item. */
export function key(kind: ItemKind, values: Values): { PK: string; SK: string } {
  const { partition, sortKey } = declared.items[kind];
  return { PK: partitionKey(partition as Partition, values), SK: fill(sortKey, values) };
}

/** A pattern with `value` for every placeholder, as IAM's wildcards are. */
export const wildcard = (pattern: string) => pattern.replace(/\{\w+\}/g, "*");

function fill(pattern: string, values: Values): string {
  return pattern.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${pattern} needs ${name}`);
    return value;
  });
}
