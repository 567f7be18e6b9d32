// `make door-test URL=…`: whether an app keeps the promise, on the home of this machine.
import { measure, summary, type Bearer, type Door, type Round } from "./door.ts";

const said = (name: string): string | undefined => process.env[name] || undefined;

function number(name: string, otherwise: number): number {
  const value = Number(said(name) ?? otherwise);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`${name} must be a number above 0`);
  return value;
}

function bearer(): Bearer | undefined {
  const [appId, secret, redirectUri] = [said("APP_ID"), said("APP_SECRET"), said("REDIRECT_URI")];
  if (!appId && !secret && !redirectUri) return undefined;
  if (appId && secret && redirectUri) return { appId, secret, redirectUri };
  throw new Error("an API that takes access tokens needs APP_ID, APP_SECRET and REDIRECT_URI");
}

function door(): Door {
  const url = said("URL");
  if (!url || !URL.canParse(url))
    throw new Error("make door-test URL=… needs the address of a page of the app (tests/rooms/README.md)");
  const [shows, signIn, app] = [said("SHOWS"), said("SIGN_IN"), bearer()];
  return {
    url,
    staff: new URL(said("STAFF") ?? "http://localhost:8600").origin,
    portal: new URL(said("PORTAL") ?? "http://portal.localhost:8600").origin,
    email: said("STAFF_EMAIL") ?? "dana@harbor.example",
    permissions: (said("PERMISSIONS") ?? "basic messaging documents sessions billing surveys").split(/[\s,]+/),
    rounds: number("ROUNDS", 10),
    patienceMs: number("PATIENCE_MS", 60_000),
    ...(shows && { shows: new RegExp(shows) }),
    ...(signIn && { signIn }),
    ...(app && { bearer: app }),
    insecure: said("INSECURE") !== undefined,
    chromium: said("CHROMIUM") ?? "/usr/bin/chromium",
  };
}

const ms = (value: number): string =>
  Number.isFinite(value) ? `${value.toFixed(value < 100 ? 1 : 0)} ms` : "never";

const row = (...cells: string[]): string =>
  cells.map((cell, index) => cell.padStart([5, 11, 13, 7, 9][index] ?? 0)).join("  ");

const tellRound = ({ signInMs, tookMs = Infinity, letIn, status }: Round, index: number) =>
  row(String(index + 1), ms(signInMs), ms(tookMs), String(letIn), status ? String(status) : "redirect");

async function main(): Promise<void> {
  const given = door();
  const limit = number("LIMIT_MS", 1000);
  console.log(`${given.url}, ${given.rounds} rounds`);
  console.log(row("round", "signed in in", "refused after", "let in", "answer"));
  const aborter = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => aborter.abort(new Error("ended by a signal; nothing was left behind")));
  const tell = (round: Round, index: number) => console.log(tellRound(round, index));
  const rounds = await measure(given, tell, aborter.signal);
  const { p50, worst, letIn } = summary(rounds);
  console.log(`refused after: p50 ${ms(p50)}, worst ${ms(worst)}; limit ${ms(limit)}`);
  console.log(
    letIn === 0
      ? "The first question after each revocation was refused."
      : `After a revocation up to ${letIn} questions were let in.`,
  );
  if (worst <= limit) return;
  console.log("The worst round is over the limit.");
  process.exitCode = 1;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
