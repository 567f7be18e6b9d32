// The keys of both tables, as `shared/src/keys.rs` declares them: `shared/keys.json` is written from it.
import declared from "../../../shared/keys.json" with { type: "json" };

export const { tables: TABLES, items: ITEMS, sortKeysBegin: SORT_KEYS_BEGIN, outbox: OUTBOX } = declared;

/** The functions behind the main table's stream, and what it hands to each: new items whose sort keys begin so. A
 *  stream serves two readers and no third. */
export const STREAMED = declared.streamed;
export type Streamed = keyof typeof STREAMED;

export type Partition = keyof typeof declared.partitions;
export type ItemKind = keyof typeof declared.items;

/** The pattern of every partition's key in the main table, with its placeholders in braces. */
export const PARTITIONS = Object.fromEntries(
  Object.entries(declared.partitions).filter(([name]) =>
    Object.values(declared.items).some(({ table, partition }) => table === "main" && partition === name),
  ),
) as Partial<Record<Partition, string>>;

/** Values by the names of the placeholders that they stand for. */
type Values = Record<string, string>;

/** A partition's key. */
export const partitionKey = (name: Partition, values: Values) => fill(declared.partitions[name], values);

/** The key of an item. */
export function key(kind: ItemKind, values: Values): { PK: string; SK: string } {
  const { partition, sortKey } = declared.items[kind];
  return { PK: partitionKey(partition as Partition, values), SK: fill(sortKey, values) };
}

/** A pattern with a wildcard of IAM for every placeholder. */
export const wildcard = (pattern: string) => pattern.replace(/\{\w+\}/g, "*");

/** What stands for the placeholders of a partition's key, if it is one of this partition. */
export function readPartition(name: Partition, pk: string): Values | undefined {
  const pattern = declared.partitions[name].replace(/\{(\w+)\}/g, "(?<$1>[^#]+)");
  return new RegExp(`^${pattern}$`).exec(pk)?.groups;
}

/** Whether a key is that of an item of this kind. */
export function isKind(kind: ItemKind, { PK, SK }: { PK: string; SK: string }): boolean {
  const { partition, sortKey } = declared.items[kind];
  const pattern = sortKey.replace(/\{\w+\}/g, "[^#]+");
  return readPartition(partition as Partition, PK) !== undefined && new RegExp(`^${pattern}$`).test(SK);
}

function fill(pattern: string, values: Values): string {
  return pattern.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${pattern} needs ${name}`);
    return value;
  });
}
