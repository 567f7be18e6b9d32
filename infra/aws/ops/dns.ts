// Where a host of the practice's own leads, as far as DNS tells.
import { resolve4, resolve6, resolveCname } from "node:dns/promises";

export interface Names {
  /** The names that a host leads to. */
  cname(host: string): Promise<string[]>;
  /** Its addresses. */
  addresses(host: string): Promise<string[]>;
}

export const names: Names = {
  cname: resolveCname,
  addresses: async (host) => {
    const found = await Promise.all([resolve4, resolve6].map((resolve) => resolve(host).catch(() => [] as string[])));
    return found.flat();
  },
};

/** What becomes of a host that is to lead to a distribution:
 *  - `right`: it does;
 *  - `alias`: it has addresses and no other name, which is how an alias of Route 53 looks. Where it leads, DNS does not
 *    tell: the addresses of a distribution are others at every look;
 *  - `elsewhere`, with the names that it leads to, of which there may be none. */
export async function leads(
  host: string,
  distribution: string,
  { cname, addresses }: Names,
): Promise<{ how: "right" | "alias" } | { how: "elsewhere"; to: string[] }> {
  const to = await cname(host).catch(() => [] as string[]);
  if (to.includes(distribution)) return { how: "right" };
  if (!to.length && (await addresses(host).catch(() => [])).length) return { how: "alias" };
  return { how: "elsewhere", to };
}
