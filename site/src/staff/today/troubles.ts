// Each trouble with access, as far as the first page shows it: how many there are, the first of them, and who
// leaves the list when something was done.
import {
  accessPage,
  type AccessCount,
  type AccessRow,
  type PortalUser,
  type PortalUsers,
  type View,
} from "../../api/staff";
import { serverTime } from "../../api/http";
import { signal } from "../../ui/signal";
import { Resource } from "../../ui/resource";

/** In the order in which they stand on the page. `ending`: an open invitation with little time left;
 *  `clocks`: access that ends or narrows, or is to be reviewed. */
export const TROUBLES = [
  "bounced",
  "expired",
  "ending",
  "clocks",
  "locked",
  "without-owner",
  "alerts-to-practice",
] as const;
export type Trouble = (typeof TROUBLES)[number];

/** Rows of each; to look at them is recorded, so no more than can be worked on. */
const SHOWN = 5;
/** An invitation with less than this is about to end. */
const SOON_MS = 2 * 24 * 60 * 60 * 1000;

export const viewOf = (trouble: Trouble): View =>
  trouble === "ending" ? "invited" : trouble === "clocks" ? "ending" : trouble;

/** Whether a portal user still has this trouble. */
export function has(trouble: Trouble, user: PortalUser, now: number): boolean {
  switch (trouble) {
    case "bounced":
      return user.status !== "revoked" && user.mail?.state === "bounced";
    case "expired":
      return user.status === "expired";
    case "ending":
      return (
        user.status === "invited" &&
        user.invitation !== undefined &&
        Date.parse(user.invitation.expiresAt) - now < SOON_MS
      );
    case "clocks":
      return user.ending !== undefined;
    case "locked":
      return user.status !== "revoked" && !!user.lockedUntil && Date.parse(user.lockedUntil) > now;
    default:
      return false;
  }
}

/** Whether younger counts tell of what no list shows. How many invitations are about to end they do not tell. */
export const isNews = (counts: readonly AccessCount[], lists: readonly TroubleList[]): boolean =>
  TROUBLES.some((trouble) => {
    const counted = counts.find(({ view }) => view === viewOf(trouble));
    if (trouble === "ending" || !counted) return false;
    const list = lists.find((each) => each.trouble === trouble);
    return list ? list.isNews(counted) : counted.count > 0;
  });

export class TroubleList {
  readonly rows: Resource<readonly AccessRow[]>;
  /** Null while it is not known. */
  readonly count = signal<number | null>(null);
  /** Whether there are more than `count`. */
  readonly more = signal(false);
  /** By how much the counts of all lists were above this one's rows when these came. */
  #drift = 0;

  constructor(
    readonly trouble: Trouble,
    counted: Pick<AccessCount, "count" | "more">,
    ask: typeof accessPage = accessPage,
  ) {
    // How many invitations are about to end only their rows say.
    if (trouble !== "ending") this.#count(counted.count, counted.more);
    this.rows = new Resource(async (signal) => {
      const page = await ask({ view: viewOf(trouble), limit: SHOWN }, signal);
      if (trouble === "ending") {
        const rows = page.rows.filter((row) => row.portalUser && has(trouble, row.portalUser, serverTime()));
        this.#count(rows.length, rows.length > 0 && rows.length === page.rows.length && !!page.nextCursor);
        return rows;
      }
      // The counts come from indexes, which follow a moment later; the whole list knows better.
      if (!page.nextCursor) {
        this.#drift = (this.count.peek() ?? 0) - page.rows.length;
        this.#count(page.rows.length, false);
      }
      return page.rows;
    });
  }

  /** Whether this count, which is younger, tells of what the list does not show. */
  isNews({ count, more }: Pick<AccessCount, "count" | "more">): boolean {
    return more !== this.more.value || (!more && count !== (this.count.value ?? 0) + this.#drift);
  }

  /** Drops the rows that do not stay, and asks for the next ones when none is left. */
  keep(stays: (row: AccessRow) => boolean): void {
    const state = this.rows.state.peek();
    if (state.at !== "ready") return;
    const left = state.value.filter(stays);
    const gone = state.value.length - left.length;
    if (!gone) return;
    const more = this.more.peek();
    const counted = this.count.peek() ?? 0;
    const count = more && this.trouble !== "ending" ? counted : Math.max(counted - gone, left.length);
    this.#count(count, more);
    this.rows.set(left);
    if (!left.length && (more || count > 0)) void this.rows.load();
  }

  #count(count: number, more: boolean): void {
    this.count.value = count;
    this.more.value = more;
  }
}

/** What stands in a list once a portal user is deleted. */
export const without =
  (portalUserId: string) =>
  ({ portalUser }: AccessRow): boolean =>
    portalUser?.portalUserId !== portalUserId;

/** What stands in a list once an invitation was sent again. */
export const afterResend =
  (trouble: Trouble, portalUserId: string) =>
  (row: AccessRow): boolean =>
    trouble === "locked" || trouble === "clocks" || without(portalUserId)(row);

/** What stands in a list once a person was unlocked: on every chart that the sign-in name opens. */
export const afterUnlock =
  (trouble: Trouble, { username }: PortalUser) =>
  ({ portalUser }: AccessRow): boolean =>
    trouble !== "locked" || portalUser?.username !== username;

/** What stands in a list once a portal user is known as the answer of a change has them: it does not say
 *  whether they are locked out. */
export const afterChange =
  (trouble: Trouble, user: PortalUser, now: number) =>
  (row: AccessRow): boolean =>
    trouble === "locked" || without(user.portalUserId)(row) || has(trouble, user, now);

/** What stands in a list once the client's portal users are known. */
export const afterLook =
  (trouble: Trouble, clientId: string, users: PortalUsers, now: number) =>
  ({ client, portalUser }: AccessRow): boolean => {
    if (client.clientId !== clientId) return true;
    if (!portalUser) return !(trouble === "without-owner" ? users.chartOwner : users.alertRecipient);
    const known = users.portalUsers.find((user) => user.portalUserId === portalUser.portalUserId);
    return known !== undefined && has(trouble, known, now);
  };
