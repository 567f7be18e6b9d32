// What an app says in the address of a page that it sends people to.

export interface Parameters {
  readonly values: Readonly<Record<string, string>>;
  /** Names that come more than once, which none may (RFC 6749, section 3.1): no answer could be right. */
  readonly twice: readonly string[];
}

export function parametersIn(search: string): Parameters {
  const all = new URLSearchParams(search);
  const names = [...new Set(all.keys())];
  return { values: Object.fromEntries(all), twice: names.filter((name) => all.getAll(name).length > 1) };
}

/** The practice of an app's id: "harbor" of "harbor.01J…". */
export const practiceOf = ({ client_id: id = "" }: Parameters["values"]): string => id.includes(".") ? id.split(".")[0]! : "";

/** The languages that an app says its person prefers (OpenID Connect Core 1.0, section 3.1.2.1). */
export const languagesIn = ({ ui_locales: tags = "" }: Parameters["values"]): string[] =>
  tags.split(" ").filter(Boolean);
