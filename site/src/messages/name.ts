// People's names: one of first and last may be empty, and nothing else is assumed about them.
export type PersonName = {
  readonly first: string;
  readonly last: string;
  readonly preferred?: string | null | undefined;
};

export const sayName = (name: PersonName): string => `${name.first} ${name.last}`.trim();

export function initials(name: PersonName): string {
  const letters = [name.first, name.last].map((part) => [...part.trim()][0] ?? "");
  return letters.join("").toLocaleUpperCase();
}
