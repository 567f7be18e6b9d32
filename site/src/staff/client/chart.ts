// One open chart: the client and, once a section needs them, the portal users. Every change of access
// goes through here, so that all sections agree on what the server last said.
import { Failure, serverTime } from "../../api/http";
import * as api from "../../api/staff";
import { Resource } from "../../ui/resource";

/** The portal user that a change was about is no longer there. */
export const isGone = (failure: Failure): boolean =>
  failure.status === 404 ||
  failure.fields.some(({ code, field }) => code === "not_a_portal_user" && field !== SUCCESSOR);

/** Whoever was to get the alerts next cannot get them any more; the change itself was not made. */
export const lacksSuccessor = (failure: Failure): boolean =>
  failure.fields.some(({ field }) => field === SUCCESSOR);

/** Whether the refusal tells of something that the list does not show yet. */
export const isNews = ({ status }: Failure): boolean => status === 404 || status === 409 || status === 422;

/** Now, or from their enrolling on. */
export const getsAlerts = (user: api.PortalUser): boolean =>
  user.receivesAlerts || user.alertsFromEnrollment === true;

/** The member that names them, of a deletion. */
const SUCCESSOR = "alertRecipient";

export class Chart {
  readonly client: Resource<api.Client>;
  readonly users: Resource<api.PortalUsers>;
  /** The right chart, of one that was closed as a duplicate. */
  readonly right: Resource<api.Client | null>;
  /** True until the first section has shown itself: on arrival the client's name takes the focus. */
  fresh = true;
  /** Set by changes of access: the client's own summary of them is older than they are. */
  #summaryIsOld = false;
  /** When apps were heard to know of an ending, by the server's clock. */
  readonly #told = new Map<string, number>();

  constructor(readonly clientId: string) {
    this.client = new Resource((signal) => api.client(clientId, signal));
    this.users = new Resource((signal) => api.portalUsers(clientId, signal).then(marked));
    this.right = new Resource(async (signal) => {
      const right = this.client.value?.closed?.duplicateOf;
      return right ? api.client(right, signal) : null;
    });
  }

  close(): void {
    this.client.close();
    this.users.close();
    this.right.close();
  }

  /** Closes the chart: everybody's access ends. The client as it is then is asked for, since the answer tells of
   *  the people alone. */
  async closeChart(closing: api.Closing): Promise<api.Receipt[]> {
    const { receipts } = await api.closeClient(this.clientId, closing);
    for (const { portalUser } of receipts) if (portalUser) this.#put(portalUser, null);
    await this.#renew();
    return receipts;
  }

  /** Opens the chart again, which gives nobody access. */
  async reopenChart(): Promise<void> {
    await api.reopenClient(this.clientId);
    await this.#renew();
  }

  async #renew(): Promise<void> {
    this.#summaryIsOld = !(await this.client.load());
    void this.right.load();
  }

  /** Ask for the client again if something here has changed it: each asking is recorded as an opening. */
  async refreshClient(): Promise<void> {
    if (!this.#summaryIsOld) return;
    this.#summaryIsOld = false;
    if (!(await this.client.load())) this.#summaryIsOld = true;
  }

  /** Somebody else has changed who may enter. If the news do not come, what is shown stays: a form may lie
   *  over it. */
  async catchUp(): Promise<void> {
    try {
      this.#set(await api.portalUsers(this.clientId));
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
    }
  }

  user(portalUserId: string | null | undefined): api.PortalUser | undefined {
    return this.users.value?.portalUsers.find((user) => user.portalUserId === portalUserId);
  }

  owner(): api.PortalUser | undefined {
    return this.user(this.users.value?.chartOwner);
  }

  /** What became of a portal user's mail, and of word to the apps. */
  progressed(portalUserId: string, { apps, ...news }: api.Progress): void {
    const now = this.users.value;
    if (!now) return;
    const states = new Map(apps?.map(({ appId, state }) => [appId, state]));
    this.#show({
      ...now,
      portalUsers: now.portalUsers.map((user) => {
        if (user.portalUserId !== portalUserId) return user;
        const known = user.apps?.map((app) => ({ ...app, state: states.get(app.appId) ?? app.state }));
        return { ...user, ...news, ...(known && { apps: known }) };
      }),
    });
  }

  /** When word of the last ending had come to an app. Not known where it had before anybody looked. */
  toldAt(user: api.PortalUser, app: api.ToldApp): number | undefined {
    return app.state === "told" ? this.#told.get(keyOf(user, app)) : undefined;
  }

  /** Who can be given the alerts: who can come in, now or after enrolling, and has an address. */
  successorsOf(portalUserId: string): api.PortalUser[] {
    return (this.users.value?.portalUsers ?? []).filter(
      ({ portalUserId: id, status, email }) =>
        id !== portalUserId && !!email && (status === "active" || status === "invited"),
    );
  }

  async add(body: api.NewPortalUser, key: string): Promise<api.PortalUser> {
    const user = await api.addPortalUser(this.clientId, body, key);
    this.#put(user);
    return user;
  }

  /** Who has this username or address, and no access any more: perhaps somebody else added them. */
  async findRevoked(known: string): Promise<api.PortalUser | null> {
    await this.catchUp();
    const fits = ({ username, email }: api.PortalUser) =>
      [username, email].some((name) => name?.toLowerCase() === known.toLowerCase());
    const users = this.users.value?.portalUsers ?? [];
    return users.find((user) => user.status === "revoked" && fits(user)) ?? null;
  }

  async edit(portalUserId: string, body: api.PortalUserEdit): Promise<api.PortalUser> {
    const user = await api.editPortalUser(this.clientId, portalUserId, body);
    // A last day that is over ends access, and the alerts with it.
    const left = user.status === "revoked" && this.users.value?.alertRecipient === portalUserId;
    this.#put(user, left ? null : undefined);
    return user;
  }

  async resend(portalUserId: string): Promise<void> {
    const was = this.user(portalUserId)?.status;
    this.#put(await api.resendInvitation(this.clientId, portalUserId));
    // Chosen for the alerts once, they get them again.
    if (was === "expired") await this.catchUp();
  }

  async revoke(portalUserId: string, body: api.Revocation): Promise<api.Receipt> {
    return this.#take(await api.revoke(this.clientId, portalUserId, body));
  }

  /** The person can try to sign in at once. */
  async unlock(portalUserId: string, key: string): Promise<void> {
    this.#put(await api.unlock(this.clientId, portalUserId, key), undefined, true);
  }

  async activate(portalUserId: string): Promise<api.Receipt> {
    return this.#take(await api.activate(this.clientId, portalUserId));
  }

  async delete(portalUserId: string, word: string, alertRecipient?: string): Promise<api.Receipt> {
    const receipt = await api.deletePortalUser(this.clientId, portalUserId, word, alertRecipient);
    const now = this.users.value;
    if (now) {
      this.#set({
        portalUsers: now.portalUsers.filter((user) => user.portalUserId !== portalUserId),
        chartOwner: now.chartOwner === portalUserId ? null : (now.chartOwner ?? null),
        alertRecipient: receipt.alertRecipient ?? null,
      });
    }
    return this.#take(receipt);
  }

  async assignAlerts(portalUserId: string | null): Promise<void> {
    const { alertRecipient } = await api.assignAlerts(this.clientId, portalUserId);
    const now = this.users.value;
    if (now) this.#set({ ...now, alertRecipient: alertRecipient ?? null });
  }

  async changeOwner(portalUserId: string): Promise<void> {
    const { chartOwner } = await api.changeOwner(this.clientId, portalUserId);
    const now = this.users.value;
    if (now) this.#set({ ...now, chartOwner });
  }

  /** What the server did, once everybody is known whom it names: somebody else may have added them. */
  async #take(receipt: api.Receipt): Promise<api.Receipt> {
    if (receipt.portalUser) this.#put(receipt.portalUser, receipt.alertRecipient ?? null);
    await this.know([receipt.alertRecipient]);
    return receipt;
  }

  /** Asks for the portal users once more if the list lacks one of these. */
  async know(ids: readonly (string | null | undefined)[]): Promise<void> {
    if (this.users.value && ids.some((id) => id && !this.user(id))) await this.catchUp();
  }

  /** The user as the server now has it, in its old place or at the end. */
  #put(user: api.PortalUser, alertRecipient?: string | null, unlocked = false): void {
    const now = this.users.value;
    if (!now) {
      this.#summaryIsOld = true;
      return;
    }
    const known = now.portalUsers.some((other) => other.portalUserId === user.portalUserId);
    this.#set({
      portalUsers: known
        ? now.portalUsers.map((other) =>
            other.portalUserId === user.portalUserId ? { ...listed(other, unlocked), ...user } : other,
          )
        : [...now.portalUsers, user],
      chartOwner: user.chartOwner ? user.portalUserId : (now.chartOwner ?? null),
      alertRecipient:
        alertRecipient !== undefined
          ? alertRecipient
          : user.receivesAlerts
            ? user.portalUserId
            : (now.alertRecipient ?? null),
    });
  }

  #set(users: api.PortalUsers): void {
    this.#summaryIsOld = true;
    this.#show(marked(users));
  }

  #show(users: api.PortalUsers): void {
    const waiting = new Set(keysOf(this.users.value, "telling"));
    for (const key of keysOf(users, "telling")) this.#told.delete(key);
    for (const key of keysOf(users, "told")) if (waiting.has(key)) this.#told.set(key, serverTime());
    this.users.set(users);
  }
}

/** What the list alone tells of a portal user, and no answer of a change. */
const listed = ({ lockedUntil, secondFactor }: api.PortalUser, unlocked: boolean) => ({
  ...(lockedUntil && !unlocked && { lockedUntil }),
  ...(secondFactor && { secondFactor }),
});

/** The apps of everybody with which word has come so far. */
const keysOf = (users: api.PortalUsers | undefined, state: api.ToldApp["state"]): string[] =>
  (users?.portalUsers ?? []).flatMap((user) =>
    (user.apps ?? []).filter((app) => app.state === state).map((app) => keyOf(user, app)),
  );

const keyOf = ({ portalUserId }: api.PortalUser, { appId }: api.ToldApp) => `${portalUserId} ${appId}`;

/** The marks on each user follow from the ids of the chart. */
const marked = (users: api.PortalUsers): api.PortalUsers => ({
  ...users,
  portalUsers: users.portalUsers.map((user) => ({
    ...user,
    chartOwner: user.portalUserId === users.chartOwner,
    receivesAlerts: user.status === "active" && user.portalUserId === users.alertRecipient,
    alertsFromEnrollment: user.status === "invited" && user.portalUserId === users.alertRecipient,
  })),
});
