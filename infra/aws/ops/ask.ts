// The questions that only people can answer. Each has a default, where there is one, and says what follows from it.
import { createInterface } from "node:readline/promises";
import { settings, type First, type Settings } from "../lib/settings.ts";
import { Refusal } from "./deployment.ts";

/** Asks a person. */
export interface Asker {
  say(line: string): void;
  /** What was typed. */
  ask(prompt: string): Promise<string>;
}

/** Asks at the terminal that the command was started at. */
export function terminal(): Asker & { close(): void } {
  if (!process.stdin.isTTY)
    throw new Refusal("There is nobody to ask: give the settings in a file, and --yes. See infra/aws/README.md.");
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  return { say: console.log, ask: (prompt) => lines.question(prompt), close: () => lines.close() };
}

/** Settings as their file holds them. */
export type Answers = Omit<Partial<Settings>, "first"> & { first?: Partial<First> };

interface Question {
  asks: string;
  /** What follows from the answer. */
  means: string;
  /** What it is about, as the settings name it. */
  of: (keyof Settings)[];
  known(answers: Answers): boolean;
  usual?(answers: Answers): string | undefined;
  take(answers: Answers, value: string): Answers;
}

const slug = (name: string) =>
  name
    .normalize("NFD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 32);
const first = (answers: Answers, more: Partial<First>): Answers => ({ ...answers, first: { ...answers.first, ...more } });

export const QUESTIONS: Question[] = [
  {
    asks: "Is this for patients, or a try-out?",
    means:
      "patients: history and backups are locked for years, and nobody can delete them, you neither. try-out: everything can be undone with one command.",
    of: ["use"],
    known: ({ use }) => use !== undefined,
    usual: () => "try-out",
    take: (answers, use) => ({ ...answers, use: use as Settings["use"] }),
  },
  {
    asks: "In which region of AWS shall the data be?",
    means: "They stay there: another region is another deployment.",
    of: ["region"],
    known: ({ region }) => region !== undefined,
    usual: () => process.env["AWS_REGION"] || process.env["AWS_DEFAULT_REGION"] || "us-east-1",
    take: (answers, region) => ({ ...answers, region }),
  },
  {
    asks: "Which e-mail address gets the alarms?",
    means: "Of the person who can do something about them. AWS sends a link first, which must be opened.",
    of: ["alarms"],
    known: ({ alarms }) => alarms !== undefined,
    take: (answers, alarms) => ({ ...answers, alarms }),
  },
  {
    asks: "Which address do mails to clients come from?",
    means: "Its domain must be yours: three records in its DNS prove that, which are printed later. Until then no mail goes out.",
    of: ["sender", "senderIdentity"],
    known: ({ sender }) => sender !== undefined,
    usual: ({ alarms = "" }) => alarms.replace(/^.*@/, "no-reply@"),
    take: (answers, sender) => ({ ...answers, sender }),
  },
  {
    asks: "What is the first practice called?",
    means: "Clients read it on every page and in every mail. It can be changed.",
    of: ["first"],
    known: ({ first }) => first?.name !== undefined,
    usual: () => "Our practice",
    take: (answers, name) => first(answers, { name }),
  },
  {
    asks: "By which short name does its portal go?",
    means: "Part of the address of its portal, for good: 2 to 32 of a-z, 0-9 and -.",
    of: ["first"],
    known: ({ first }) => first?.practice !== undefined,
    usual: ({ first }) => slug(first?.name ?? ""),
    take: (answers, practice) => first(answers, { practice }),
  },
  {
    asks: "Which address gets what clients' portal users do not?",
    means: "The practice's inbox for alerts. It can be changed.",
    of: ["first"],
    known: ({ first }) => first?.alertInbox !== undefined,
    usual: ({ alarms }) => alarms,
    take: (answers, alertInbox) => first(answers, { alertInbox }),
  },
  {
    asks: "Who is its first admin, by e-mail address?",
    means: "Gets a mail with a password for once, and can bring in everybody else.",
    of: ["first"],
    known: ({ first }) => first?.email !== undefined,
    usual: ({ alarms }) => alarms,
    take: (answers, email) => first(answers, { email }),
  },
  {
    asks: "And by name?",
    means: "Stands in the history beside everything that they do.",
    of: ["first"],
    known: ({ first }) => first?.admin !== undefined,
    usual: ({ first }) =>
      (first?.email ?? "").replace(/@.*/, "").replace(/(^|[._-]+)(\w)/g, (_, gap: string, letter: string) => `${gap && " "}${letter.toUpperCase()}`),
    take: (answers, admin) => first(answers, { admin }),
  },
];

/** What is not right about the settings that a question is about. */
function wrong(answers: Answers, of: (keyof Settings)[]): string[] {
  try {
    settings(answers as never);
    return [];
  } catch (error) {
    const lines = (error as Error).message.split("\n").map((line) => line.trim());
    return lines.filter((line) => of.some((name) => line.startsWith(`${name}:`) || line.startsWith(`${name}.`)));
  }
}

/** Asks what the answers do not say yet. An empty answer is the default. */
export async function interview(asker: Asker, answers: Answers, whole = true): Promise<Answers> {
  let all = answers;
  for (const question of QUESTIONS) {
    if (question.known(all) || (!whole && question.of.includes("first"))) continue;
    const usual = question.usual?.(all);
    for (;;) {
      asker.say(`\n${question.asks}\n  ${question.means}`);
      const typed = (await asker.ask(usual ? `  [${usual}] ` : "  ")).trim() || usual || "";
      const next = question.take(all, typed);
      const faults = typed ? wrong(unfinished(next), question.of) : ["An answer is needed."];
      if (!faults.length) {
        all = next;
        break;
      }
      for (const fault of faults) asker.say(`  ${fault}`);
    }
  }
  return all;
}

/** With what has not been asked yet as if it were right. */
const unfinished = (answers: Answers): Answers => ({
  ...answers,
  ...(answers.first && {
    first: { practice: "practice", name: "Practice", alertInbox: "a@b.example", email: "a@b.example", admin: "A", ...answers.first },
  }),
});

/** Whether the person says yes. */
export async function agrees(asker: Asker, question: string): Promise<boolean> {
  return /^y(es)?$/i.test((await asker.ask(`${question} [y/N] `)).trim());
}
