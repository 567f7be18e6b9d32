// What may stand on a sheet of a person's name. Who finds the sheet has its link, and is asked for the client's last
// name, or for the only name of a client who has but one: neither may be read off it.
import type { PersonName } from "../../messages/name";

type Parts = Pick<PersonName, "first" | "last">;

/** Words of what practices write where somebody has no such name. One that is a name costs its bearer a greeting. */
const PLACEHOLDERS = new Set(
  (
    "fnu lnu nfn nln nmn unk unkn unknown unnamed unspecified none null nil no not n a na name noname first last family " +
    "surname firstname lastname nolastname nosurname given known provided available applicable missing blank only one " +
    "single mononym desconocido sin apellido inconnu sans nom"
  ).split(" "),
);

const wordsOf = (text: string): string[] =>
  text
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);

const isName = (part: string): boolean => wordsOf(part).some((word) => !PLACEHOLDERS.has(word) && !/^x+$/.test(word));

/** Whether a first name tells nobody what enrolling asks for. `client`: the name of the chart's client, where known. */
export function mayStand(name: Parts, client: Parts | undefined): boolean {
  if (!isName(name.last)) return false;
  const proof = client && wordsOf(isName(client.last) ? client.last : client.first);
  return !wordsOf(name.first).some((word) => proof?.includes(word));
}

/** A username for a sheet: "rosa.417", or digits alone where the first name may not stand there. */
export function memorable(name: Parts, client: Parts | undefined): string {
  const [number = 0] = crypto.getRandomValues(new Uint32Array(1));
  const first = mayStand(name, client) ? wordsOf(name.first).join("").replace(/[^a-z\d]/g, "") : "";
  return first ? `${first}.${100 + (number % 900)}` : `${100_000 + (number % 900_000)}`;
}
