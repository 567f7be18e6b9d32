// `functions/search` in Node.
import { Problem, admit, frame, getMany, json, only, ready, record, searchPage, ticket, typed } from "./latchkey.js";
import { key, partitionKey } from "../keys.js";
import { plan, shows, slips } from "./plan.js";
import { serve } from "./runtime.js";

const MOST = 50;
const USUAL = 20;
const LITTLE = 5;
const LOOK = 400;
const LOOK_FILTERED = 2000;

async function search(event, caller) {
  const claims = ticket(event);
  const body = json(event);
  only(["query", "limit", "cursor"], body);
  const query = typed("query", body.query, 200);
  const limit = body.limit ?? USUAL;
  if (!Number.isInteger(limit)) throw Problem.invalid("limit", "wrong_type", "This is a whole number.");
  if (limit < 1 || limit > MOST) throw Problem.invalid("limit", "out_of_range", "Ask for 1 to 50.");
  const planned = plan(query);
  if (!planned) throw Problem.refused("query", "too_short", "Type two characters or more.");
  const from = body.cursor == null ? undefined : place(body.cursor, planned);

  const { practice } = claims;
  const [staff, page] = await admit(claims, caller, find(practice, planned, from, limit));
  const keys = page.clients.map((id) => key("client", { practice, client: id }));
  const [items] = await Promise.all([getMany(keys), record(staff.event("clients-searched", {}))]);
  const found = new Map(items.map((client) => [client.clientId, client]));
  const clients = page.clients.filter((id) => found.has(id)).map((id) => hit(found.get(id)));
  return { clients, nextCursor: page.next ? cursor(page.next) : null };
}

/** One page of matches. The reads of a first page run side by side, near misses among them. */
async function find(practice, planned, from, limit) {
  const start = from ?? { read: 0 };
  const wanted = planned.reads.map((_, read) => read >= start.read);
  const after = (read) => (read === start.read ? start.after : undefined);
  const [reads, near] = await Promise.all([
    Promise.all(wanted.map((is, read) => (is ? exact(practice, planned, read, after(read)) : { found: [] }))),
    from ? [] : nearMisses(practice, planned),
  ]);
  const clients = [];
  let next;
  pages: for (const [read, { found, stopped }] of reads.entries()) {
    let last = after(read);
    for (const [sk, client] of found) {
      if (clients.length === limit) {
        next = { read, after: last };
        break pages;
      }
      clients.push(client);
      last = sk;
    }
    if (stopped) {
      next = { read, after: stopped };
      break;
    }
  }
  if (clients.length < LITTLE) {
    const more = new Set(near.filter((client) => !clients.includes(client)));
    clients.push(...[...more].slice(0, limit - clients.length));
  }
  return { clients, next };
}

async function exact(practice, planned, index, after) {
  const { partition, prefix, filters } = planned.reads[index];
  const look = filters.length ? LOOK_FILTERED : LOOK;
  const { items, stopped } = await searchPage(partitionKey("search", { practice, beginning: partition }), prefix, filters, after, look);
  const found = items
    .map(({ SK, words }) => ({ SK, words, ...entryOf(SK) }))
    .filter(({ token, words }) => shows(planned, index, token, words))
    .map(({ SK, client }) => [SK, client]);
  return { found, stopped };
}

/** Who nearly matches, the nearest first. */
async function nearMisses(practice, planned) {
  const reads = planned.fuzzy.slice(0, 2).map(({ partition, prefix, filters }) => {
    return searchPage(partitionKey("search", { practice, beginning: partition }), prefix, filters, undefined, LOOK);
  });
  const candidates = (await Promise.all(reads)).flatMap(({ items }) => items);
  return candidates
    .map(({ SK, words }) => ({ client: entryOf(SK).client, distance: slips(planned, words) }))
    .filter(({ distance }) => distance > 0)
    .sort((a, b) => a.distance - b.distance || (a.client < b.client ? -1 : 1))
    .map(({ client }) => client);
}

function entryOf(sk) {
  const end = sk.lastIndexOf("#");
  return { token: sk.slice(0, end), client: sk.slice(end + 1) };
}

function hit(client) {
  const { clientId, name, dateOfBirth, recordNumber, emails, phones, professional, portal } = client;
  return {
    clientId,
    name,
    dateOfBirth,
    recordNumber,
    email: emails[0]?.address,
    phone: phones[0]?.number,
    professional,
    portal: { status: portalStatus(portal), users: portal.users },
  };
}

function portalStatus({ users, active, invitedUntil }) {
  if (users === 0) return "none";
  if (active > 0) return "active";
  if (!invitedUntil) return "revoked";
  return Date.parse(invitedUntil) > Date.now() ? "invited" : "expired";
}

const cursor = ({ read, after }) => Buffer.from(`${read}:${after ?? ""}`).toString("base64url");

/** Reads a cursor, which must be one of this very query. */
function place(text, { reads }) {
  const [, read, after] = /^(\d+):(.*)$/s.exec(Buffer.from(String(text), "base64url").toString()) ?? [];
  const fits = reads[read] && (after === "" || (after.startsWith(reads[read].prefix) && after.includes("#")));
  if (!fits) throw Problem.refused("cursor", "not_a_cursor", "This is no cursor of this search.");
  return { read: Number(read), after: after || undefined };
}

ready().then(() => serve((event) => frame(event, search)));
