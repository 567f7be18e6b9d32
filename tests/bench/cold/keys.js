// The keys of both tables, as `shared/src/keys.rs` declares them.
import declared from "../../../shared/keys.json" with { type: "json" };

export const { sortKeysBegin: SORT_KEYS_BEGIN, outbox: OUTBOX } = declared;

/** A partition's key. */
export const partitionKey = (name, values) => fill(declared.partitions[name], values);

/** The key of an item. */
export function key(kind, values) {
  const { partition, sortKey } = declared.items[kind];
  return { PK: partitionKey(partition, values), SK: fill(sortKey, values) };
}

const fill = (pattern, values) => pattern.replace(/\{(\w+)\}/g, (_, name) => values[name]);
