// What a deployment is made of: steps of one shape. Whether one is done is read from the account and from nowhere else,
// so that a deployment that ended anywhere goes on from there, on this machine or another.
import { Refusal } from "./deployment.ts";

export interface Step {
  name: string;
  /** What it will do, in a line. */
  plan(): string;
  /** Whether there is nothing to do. Asked before anything is made, too: whatever it looks at may not be there yet. */
  done(): Promise<boolean>;
  run(): Promise<void>;
}

type Say = (line: string) => void;

/** Shows what will be done. Answers the steps that are not done yet. */
export async function plan(steps: Step[], say: Say): Promise<Step[]> {
  const open: Step[] = [];
  say("\nThe plan:");
  for (const [at, step] of steps.entries()) {
    const done = await step.done();
    if (!done) open.push(step);
    say(`  ${String(at + 1).padStart(2)}. ${step.name.padEnd(11)} ${done ? "is done" : step.plan()}`);
  }
  return open;
}

/** Takes the steps one after the other, and passes over those that are done by then. */
export async function walk(steps: Step[], say: Say, again: string): Promise<void> {
  for (const [at, step] of steps.entries()) {
    const place = `[${at + 1}/${steps.length}] ${step.name}`;
    try {
      if (await step.done()) {
        say(`${place}: is done`);
        continue;
      }
      say(`${place}: ${step.plan()}`);
      await step.run();
    } catch (error) {
      const { name, message } = error as Error;
      const why = error instanceof Refusal ? message : `${name}: ${message}`;
      throw new Refusal(`\nThe step "${step.name}" did not succeed.\n${why}\n\nWhen that is mended: ${again}. It goes on from here.`);
    }
  }
}
