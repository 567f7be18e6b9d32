// How much a deployment spends beside what its people use. Each step down gives something up, and never encryption,
// backups, a second factor of staff, limits at the doors, or the alarms about loss and attack: README, *What it costs*.
// `tests/bench/cost/model.js` computes with the same table.

export type Tier = "full" | "standard" | "lean";

export interface Levers {
  /** Cognito's plan with threat protection. */
  plus: boolean;
  /** X-Ray, unless the settings say otherwise. */
  traced: boolean;
  /** The history's table as it is kept best, with point-in-time recovery; else its archive is the copy, and its class is
   *  the cheaper one: see `RARE_FROM`. */
  historyRecovery: boolean;
  /** Lambda's own lines of every call in the log; else only of calls that failed. */
  callsLogged: boolean;
  /** A dashboard of every function; of at most 50 metrics, which costs nothing; or none. */
  dashboard: "large" | "small" | "none";
  /** The alarms that there are; all of them when not given. */
  alarms?: readonly string[];
  logDays: number;
  monthlyBackups: boolean;
}

/** As many as cost nothing, of which the last is there only with copies elsewhere: those that tell that people are shut
 *  out, that something is lost, or that somebody attacks. */
const TEN_ALARMS = [
  "Failures",
  "Errors",
  "Throttles",
  "MailStream",
  "MailGivenUp",
  "MailRefused",
  "ArchiveBehind",
  "HistoryChanged",
  "Backups",
  "Lockouts",
  "BackupCopies",
] as const;

/** With so many clients (`people.clients`), the history's table is in the class for what is seldom read, whose bytes cost
 *  less and whose writes a quarter more. With fewer, most of it is within the 25 GB of the usual class that AWS gives every
 *  account. */
export const RARE_FROM = 70_000;

export const TIERS: Record<Tier, Levers> = {
  full: {
    plus: true,
    traced: true,
    historyRecovery: true,
    callsLogged: true,
    dashboard: "large",
    logDays: 365,
    monthlyBackups: true,
  },
  standard: {
    plus: false,
    traced: false,
    historyRecovery: false,
    callsLogged: false,
    dashboard: "small",
    alarms: TEN_ALARMS,
    logDays: 365,
    monthlyBackups: true,
  },
  lean: {
    plus: false,
    traced: false,
    historyRecovery: false,
    callsLogged: false,
    dashboard: "none",
    alarms: TEN_ALARMS,
    logDays: 90,
    monthlyBackups: false,
  },
};
