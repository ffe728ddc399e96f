// What this browser knows by itself, and how it checks what it is shown: the secrets that were made here, the key that signs, and
// the last entry of the chain that it saw. All of it stays in this browser, and can be taken along as a proof kit.

import {
  Refused, checkProof, checkStatement, digest, ed25519Holds, hex, openNote, parse, parseKeyChange, unbase64, unhex,
} from "./proof.js";

const DAY = 86_400_000;
const FIRST = "0".repeat(64);
const SKEW = 5 * 60_000; // between this clock and the server's
const AT_MOST = 60; // days checked at once
export const AT_FIRST = 30; // days checked by a browser that has never checked before

export const dateOf = (epoch) => new Date(epoch * DAY).toISOString().slice(0, 10);

// --------------------------------------------------------------------------------------------------- the proof kit
const place = (account) => `paya.proof.${account}`;

/** What is kept for a person: {account, since, secrets: [{nonce, since}], first, signing, head: {position, digest}, checked}. */
export function kitOf(account) {
  try {
    const kit = readKit(localStorage.getItem(place(account)) ?? "");
    if (kit.account === account) return kit;
  } catch {
    // Nothing is kept here yet, or something that is none of ours.
  }
  return { account, since: null, secrets: [], first: null, signing: null, head: null, checked: null };
}

/** A kit from its text. Raises Refused. */
export function readKit(text) {
  let kit;
  try {
    kit = JSON.parse(text);
  } catch {
    throw new Refused("kit", "This file is not a proof kit.");
  }
  const well =
    typeof kit?.account === "string" &&
    Array.isArray(kit.secrets) &&
    kit.secrets.every(({ nonce, since }) => /^[0-9a-f]{64}$/.test(nonce) && !Number.isNaN(Date.parse(since)));
  if (!well) throw new Refused("kit", "This file is not a proof kit.");
  const { account, since = null, secrets, first = null, signing = null, head = null, checked = null } = kit;
  return { account, since, secrets, first, signing, head, checked };
}

export function keep(kit) {
  localStorage.setItem(place(kit.account), JSON.stringify(kit));
}

/** A fresh secret of this person's own making. */
export function makeSecret() {
  return hex(crypto.getRandomValues(new Uint8Array(32)));
}

// ------------------------------------------------------------------------------------------------------- the chain
async function answer(address) {
  const response = await fetch(address, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (!response.ok) throw new Refused("answer", "The list of attestations could not be fetched.");
  return response.json();
}

async function entriesAfter(position) {
  const found = [];
  let cursor = position < 0 ? null : btoa(`1:${position}`).replace(/=+$/, "");
  do {
    const page = await answer(`/v1/transparency/chain?limit=100${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`);
    found.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return found;
}

const encode = (text) => new TextEncoder().encode(text);

/** The note's text before anything about it is believed. */
function textOf(note) {
  const split = note.lastIndexOf("\n\n");
  if (split < 0) throw new Refused("note", "This is not a signed note.");
  return encode(note.slice(0, split + 1));
}

/**
 * Follow the chain from the last entry that this browser saw to its end: each names the one before it and is signed by the key
 * that counts there. Every day's text, with what it says; or Refused.
 */
export async function follow(kit, firstKey) {
  const entries = await entriesAfter((kit.head?.position ?? 0) - 1);
  let { head } = kit;
  let signing = kit.signing ?? firstKey;
  const days = [];
  let known = null; // the day that was seen last
  for (const [number, entry] of entries.entries()) {
    const code = await digest(textOf(entry.note));
    if (kit.head !== null && number === 0) {
      if (entry.position !== kit.head.position || code !== kit.head.digest) {
        throw new Refused("chain", "The last day that this browser saw is not the one that is shown now. The past was altered.");
      }
      if (entry.kind === "attestation") known = dayOf(parse(textOf(entry.note)), code, signing);
      continue;
    }
    const after = head === null ? { position: -1, digest: FIRST } : head;
    let previous;
    if (entry.kind === "key") {
      const change = parseKeyChange(textOf(entry.note));
      if (change.old !== signing) throw new Refused("key", "The key was changed, and not by the one before it.");
      await openNote(encode(entry.note), [change.old, change.new], ed25519Holds, { allOfThem: true });
      signing = change.new;
      ({ previous } = change);
    } else {
      const attestation = parse(await openNote(encode(entry.note), [signing], ed25519Holds));
      ({ previous } = attestation);
      const last = days.at(-1)?.attestation.epoch ?? kit.checked ?? -1;
      if (attestation.epoch !== entry.epoch || attestation.epoch <= last) {
        throw new Refused("chain", "A day comes twice, or not after the one before it.");
      }
      days.push(dayOf(attestation, code, signing));
    }
    if (entry.position !== after.position + 1 || previous !== after.digest) {
      throw new Refused("chain", "A day does not follow the one before it. The past was altered.");
    }
    head = { position: entry.position, digest: code };
  }
  if (kit.head !== null && entries.length === 0) {
    throw new Refused("chain", "The last day that this browser saw is gone.");
  }
  return { days, known, head, signing };
}

const dayOf = (attestation, code, signing) => ({ attestation, digest: code, signing, file: `${dateOf(attestation.epoch)}.txt` });

/** The same text is found in the other places: how many have it. Refused where one has another. */
export async function compare(days, mirrors) {
  let same = 0;
  for (const mirror of mirrors) {
    for (const day of days) {
      let response;
      try {
        response = await fetch(`${mirror}/${day.file}`, { cache: "no-store", credentials: "omit" });
      } catch {
        break; // not to be reached: no proof of anything, and said as such
      }
      if (!response.ok) break;
      if ((await digest(textOf(await response.text()))) !== day.digest) {
        throw new Refused("split view", "Another place shows another text for the same day. Keep both.");
      }
      if (day === days.at(-1)) same += 1;
    }
  }
  return same;
}

/** Days that lie between two and have no attestation. */
export function missed(days, before) {
  const epochs = [...(before === null ? [] : [before]), ...days.map((day) => day.attestation.epoch)];
  return epochs.slice(1).flatMap((epoch, at) => Array.from({ length: epoch - epochs[at] - 1 }, (_, n) => dateOf(epochs[at] + n + 1)));
}

// ------------------------------------------------------------------------------------------------------ one's own day
async function fetchProof(date) {
  for (let attempt = 0; attempt < 10; attempt++) {
    const response = await fetch(`/transparency/proof/mine?date=${date}`, { cache: "no-store" });
    if (response.ok) return response.json();
    const problem = await response.json().catch(() => ({}));
    if (problem.code === "not_in_tree") return null;
    if (response.status !== 503) throw new Refused("no proof", "No proof of this day was given.");
    const pause = Math.min(Number(response.headers.get("Retry-After")) || 5, 10);
    await new Promise((done) => setTimeout(done, pause * 1000));
  }
  throw new Refused("no proof", "No proof of this day was given in time.");
}

/** The secrets that a leaf of this day may have: the newest made before the cut; none, where none had been made. */
function secretsFor(kit, cut) {
  const before = kit.secrets.filter(({ since }) => Date.parse(since) < cut + SKEW);
  const surely = before.some(({ since }) => Date.parse(since) < cut - SKEW);
  const newest = before.slice(-2).reverse().map(({ nonce }) => nonce);
  return surely ? newest : [...newest, FIRST];
}

/**
 * Check one day: the proof leads from this person's account, secret and balance to what was signed. Without `balance` the one
 * that comes with the proof is checked, which the person then has to recognise. Null: PaYa says that the person is not in it.
 */
export async function checkDay(kit, day, { balance = null } = {}) {
  const given = await fetchProof(dateOf(day.attestation.epoch));
  if (given === null) return null;
  const raw = unbase64(given.proof.replace(/-/g, "+").replace(/_/g, "/").padEnd(Math.ceil(given.proof.length / 4) * 4, "="));
  if (raw === null) throw new Refused("format", "This is not a proof.");
  const expected = balance ?? BigInt(given.balance);
  // A secret made in another browser since: counted all the same, and said, for it may as well be nobody's.
  const candidates = kit.secrets.length === 0 ? [] : secretsFor(kit, Date.parse(day.attestation.cut));
  const borrowed = /^[0-9a-f]{64}$/.test(given.nonce) && !candidates.includes(given.nonce) ? [given.nonce] : [];
  let refused = null;
  for (const nonce of [...candidates, ...borrowed]) {
    try {
      await checkProof(raw, { account: kit.account, nonce: unhex(nonce), balance: expected, attestation: day.attestation });
      const statement = await openNote(encode(given.statement), [day.signing], ed25519Holds);
      checkStatement(statement, { account: kit.account, balance: expected, epoch: day.attestation.epoch, attestation: day.digest });
      return { balance: expected, nonce, borrowed: borrowed.includes(nonce) && (kit.secrets.length > 0 || nonce !== FIRST) };
    } catch (error) {
      refused ??= error;
    }
  }
  throw refused ?? new Refused("format", "This is not a proof.");
}

/**
 * `since` is the time from which on the account is there; a later one than this browser knows is not believed.
 *
 * The newest day, and everything since the last check: the chain, the other places, and each day's own balance. What holds is kept as the new last
 * entry. `balance` (BigInt, or null) is of the newest day.
 */
export async function checkAll(kit, { firstKey, mirrors, since, balance = null, again = false }) {
  if (kit.first !== null && kit.first !== firstKey) {
    throw new Refused("key", "This page names another first key than the one that this browser knows.");
  }
  let found = await follow(kit, firstKey);
  // What was seen last may be a change of the key: then the newest day comes before it.
  const isKey = found.days.length === 0 && found.known === null && kit.checked !== null;
  if (again || isKey) found = await follow({ ...kit, head: null, signing: null, checked: null }, firstKey);
  const { days, known, head, signing } = found;
  const some = days.length === 0 && known !== null ? [known] : isKey && !again ? days.slice(-1) : days.slice(-(kit.checked === null || again ? AT_FIRST : AT_MOST));
  if (some.length === 0) return { days: [], checked: [], same: 0, missed: [] };
  const same = await compare(some, mirrors);
  const checked = [];
  const opened = Math.min(...[kit.since, since].map((time) => Date.parse(time)).filter((time) => !Number.isNaN(time)));
  for (const day of some) {
    const cut = Date.parse(day.attestation.cut);
    if (cut < opened - SKEW) continue; // nobody had this name yet
    try {
      const mine = await checkDay(kit, day, { balance: day === some.at(-1) ? balance : null });
      if (mine !== null) checked.push({ ...mine, day });
      else if (cut > opened + SKEW || checked.length > 0) {
        throw new Refused("left out", "Your account was there at this cut, and PaYa says that it is not in the total.");
      }
    } catch (error) {
      if (error instanceof Refused) error.day = day;
      throw error;
    }
  }
  const gaps = missed(again || isKey ? some : days, again || isKey ? null : kit.checked);
  Object.assign(kit, { since: Number.isFinite(opened) ? new Date(opened).toISOString() : null, first: firstKey, head, signing, checked: some.at(-1).attestation.epoch });
  keep(kit);
  return { days: some, checked, same, missed: gaps };
}
