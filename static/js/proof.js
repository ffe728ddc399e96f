// Checks in the browser that a balance is counted in the signed total (page: /transparency/proof). It trusts nothing of the server
// but the attestation: account, nonce and balance come from the person, the key is the one that is printed here and in the
// terms. Amounts are BigInt throughout: a Number is not exact above 2^53.

const DOMAIN = ascii("PaYaPoL1");
const MAGIC = "PAYAPRF1";
const LIMIT = 1n << 63n;
const RECORD = 40;

export class Refused extends Error {
  constructor(step, words) {
    super(words);
    this.step = step;
  }
}

function ascii(text) {
  if (!/^[\x00-\x7f]*$/.test(text)) throw new Refused("account", "A name has plain letters only.");
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function joined(...parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function bytes(length, ...fields) {
  const view = new DataView(new ArrayBuffer(length));
  let at = 0;
  for (const [width, value] of fields) {
    if (width === 8) view.setBigUint64(at, value);
    else if (width === 4) view.setUint32(at, value);
    else if (width === 2) view.setUint16(at, value);
    else view.setUint8(at, value);
    at += width;
  }
  return new Uint8Array(view.buffer);
}

async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
}

export function hex(raw) {
  return Array.from(raw, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function unhex(text) {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new Refused("nonce", "Hexadecimal digits are 0 to 9 and a to f.");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);

// ------------------------------------------------------------------------------------------------------ the tree
function sumIn(record) {
  const sum = new DataView(record.buffer, record.byteOffset, 8).getBigUint64(0);
  if (sum >= LIMIT) throw new Refused("sum", "A sum in the proof is too large.");
  return sum;
}

async function parentOf(level, epoch, left, right) {
  const sum = sumIn(left) + sumIn(right);
  if (sum >= LIMIT) throw new Refused("sum", "A sum in the proof is too large.");
  const digest = await sha256(DOMAIN, bytes(6, [1, 1], [1, level], [4, epoch]), left, right);
  return joined(bytes(8, [8, sum]), digest);
}

/** The proof leads from this account with this balance (BigInt, cents) to what was signed, or Refused. */
export async function checkProof(proof, { account, nonce, balance, attestation }) {
  const { epoch, depth } = attestation;
  if (proof.length !== 16 + 2 * (44 + RECORD * depth)) {
    throw new Refused("length", "The proof has another length than the attestation asks for.");
  }
  const view = new DataView(proof.buffer, proof.byteOffset, proof.length);
  if (!same(proof.subarray(0, 8), ascii(MAGIC))) throw new Refused("format", "This is not a proof.");
  if (view.getUint8(13) !== 2 || view.getUint16(14) !== 0) throw new Refused("format", "The proof is of a kind that is not known here.");
  if (view.getUint32(8) !== epoch) throw new Refused("epoch", "The proof is of another day than the attestation.");
  if (view.getUint8(12) !== depth) throw new Refused("depth", "The proof is for a tree of another depth.");
  if (nonce.length !== 32) throw new Refused("nonce", "Your secret has 64 hexadecimal digits.");
  const name = ascii(account);
  const who = await sha256(DOMAIN, bytes(3, [1, 0x10], [2, name.length]), name, nonce);
  let at = 16;
  let counted = 0n;
  const tops = [];
  for (const part of [0, 1]) {
    const index = view.getUint32(at);
    const amount = view.getBigUint64(at + 4);
    const salt = proof.subarray(at + 12, at + 44);
    at += 44;
    if (index >= 2 ** depth) throw new Refused("index", "The proof names a place that the tree does not have.");
    if (amount >= LIMIT) throw new Refused("sum", "An amount in the proof is too large.");
    const leaf = await sha256(DOMAIN, bytes(14, [1, 0], [1, part], [4, epoch], [8, amount]), who, salt);
    let node = joined(bytes(8, [8, amount]), leaf);
    for (let level = 1; level <= depth; level++) {
      const sibling = proof.subarray(at, at + RECORD);
      at += RECORD;
      const isRight = Math.floor(index / 2 ** (level - 1)) % 2 === 1;
      node = isRight ? await parentOf(level, epoch, sibling, node) : await parentOf(level, epoch, node, sibling);
    }
    counted += amount;
    tops.push(node);
  }
  if (counted !== balance) throw new Refused("balance", `Counted is ${money(counted)}, and not ${money(balance)}.`);
  const root = await sha256(DOMAIN, bytes(6, [1, 2], [1, depth], [4, epoch]), ...tops);
  if (hex(root) !== attestation.root) throw new Refused("root", "The proof does not lead to the signed root.");
  if (sumIn(tops[0]) + sumIn(tops[1]) !== attestation.liabilities) {
    throw new Refused("total", "The proof does not lead to the signed total.");
  }
}

export function money(cents) {
  const whole = (cents / 100n).toString().replace(/\B(?=(\d{3})+$)/g, ",");
  return `$${whole}.${(cents % 100n).toString().padStart(2, "0")}`;
}

// ----------------------------------------------------------------------------------------------- the attestation
const NUMBER = "(0|[1-9][0-9]{0,18})";
const HASH = "([0-9a-f]{64})";
const TIME = "([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)";
const FORM = new RegExp(
  `^[a-z0-9.-]+/attestation/v1\nepoch ${NUMBER}\ncut ${TIME}\nunit USD 2\ndepth ${NUMBER}\nliabilities ${NUMBER}\nroot ${HASH}\n` +
    `receivable ${NUMBER}\nreserve ${NUMBER}\nreserve-asof ${TIME}\nreserve-evidence ${HASH}\nledger-head ${HASH}\n` +
    `previous ${HASH}\nsoftware ${HASH}\n(?:corrects ${NUMBER}\n)?$`,
);

/** A time that exists: a browser reads the 31st of February as a day in March. */
function isTime(text) {
  const moment = Date.parse(text);
  return !Number.isNaN(moment) && new Date(moment).toISOString().replace(".000", "") === text;
}

/** The lines of an attestation, strictly: this order, no other lines, no second spelling of anything. */
export function parse(text) {
  const found = FORM.exec(new TextDecoder("utf-8", { ignoreBOM: true }).decode(text));
  if (found === null) throw new Refused("text", "The attestation is not written as attestations are.");
  const [, epoch, cut, depth, liabilities, root, receivable, reserve, asof, , , previous, , corrects] = found;
  const numbers = [epoch, depth, liabilities, receivable, reserve].map(BigInt);
  if (numbers[1] < 1n || numbers[1] > 32n) throw new Refused("depth", "No tree has this depth.");
  if (numbers[0] >= 1n << 32n || numbers.some((number) => number >= LIMIT)) {
    throw new Refused("text", "A number in the attestation is too large.");
  }
  if (![cut, asof].every(isTime)) throw new Refused("text", "A time in the attestation does not exist.");
  if (Math.floor(Date.parse(cut) / 86_400_000) !== Number(epoch)) {
    throw new Refused("epoch", "The cut is not on the day that the attestation is of.");
  }
  if (asof > cut || (corrects !== undefined && BigInt(corrects) >= numbers[0])) {
    throw new Refused("text", "The attestation speaks of what came after it.");
  }
  return {
    epoch: Number(epoch), cut, depth: Number(depth), liabilities: numbers[2], root, receivable: numbers[3], reserve: numbers[4],
    asof, previous,
  };
}

/** The text of a signed note that one of the keys (NAME+ID+KEY), or each of them, has signed. `verify(key, text, signature)` is Ed25519. */
export async function openNote(note, keys, verify, { allOfThem = false } = {}) {
  let split = -1;
  for (let at = note.length - 2; at >= 0 && split < 0; at--) if (note[at] === 10 && note[at + 1] === 10) split = at;
  if (split < 0 || note[note.length - 1] !== 10 || split + 2 >= note.length) throw new Refused("note", "This is not a signed note.");
  const text = note.slice(0, split + 1);
  const lines = new TextDecoder().decode(note.slice(split + 2, -1)).split("\n");
  const known = await Promise.all(keys.map(readKey));
  if (known.length === 0) throw new Refused("key", "No key is known whose signature would count.");
  const signers = new Set();
  for (const line of lines) {
    const match = /^\u2014 ([^ +]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line);
    const raw = match && unbase64(match[2]);
    if (!raw || raw.length < 5) throw new Refused("note", "A signature's line is not written as such lines are.");
    const key = known.find(({ name, id }) => name === match[1] && same(id, raw.subarray(0, 4)));
    if (!key) continue;
    if (raw.length !== 68 || !(await verify(key.key, text, raw.subarray(4)))) {
      throw new Refused("signature", "The signature is not of this text.");
    }
    signers.add(key);
  }
  if (signers.size < (allOfThem ? known.length : 1)) throw new Refused("signature", "Nobody has signed it whose key is known.");
  return text;
}

const KEY_FORM = new RegExp(`^[a-z0-9.-]+/key/v1\nepoch ${NUMBER}\nold ([!-~]+)\nnew ([!-~]+)\nprevious ${HASH}\n$`);

/** An entry of the chain that changes the key: the old one, the new one, and what it follows. */
export function parseKeyChange(text) {
  const found = KEY_FORM.exec(new TextDecoder().decode(text));
  if (found === null) throw new Refused("text", "A change of the key is not written as such changes are.");
  return { old: found[2], new: found[3], previous: found[4] };
}

const STATEMENT = new RegExp(
  `^[a-z0-9.-]+/statement/v1\nepoch ${NUMBER}\naccount ([!-~]{1,255})\nbalance ${NUMBER}\nentry ${NUMBER}\nattestation ${HASH}\n$`,
);

/** What was signed for this person alone says the same, of the same attestation (its digest). */
export function checkStatement(text, { account, balance, epoch, attestation }) {
  const found = STATEMENT.exec(new TextDecoder().decode(text));
  if (found === null) throw new Refused("statement", "The statement is not written as statements are.");
  if (found[2] !== account || BigInt(found[3]) !== balance) {
    throw new Refused("statement", `The signed statement says ${money(BigInt(found[3]))} of @${found[2]}.`);
  }
  if (Number(found[1]) !== epoch || found[5] !== attestation) {
    throw new Refused("statement", "The signed statement is of another attestation.");
  }
}

export function unbase64(text) {
  try {
    const raw = atob(text);
    return btoa(raw) === text ? Uint8Array.from(raw, (letter) => letter.charCodeAt(0)) : null;
  } catch {
    return null;
  }
}

async function readKey(text) {
  const match = /^([^ +]+)\+([0-9a-f]{8})\+(.+)$/.exec(text);
  const raw = match && unbase64(match[3]);
  if (!raw || raw.length !== 33 || raw[0] !== 1) throw new Refused("key", "A key is not written as keys are.");
  const id = (await sha256(new TextEncoder().encode(`${match[1]}\n`), raw)).subarray(0, 4);
  if (hex(id) !== match[2]) throw new Refused("key", "A key is not written as keys are.");
  return { name: match[1], id, key: raw.subarray(1) };
}

/** Ed25519 by the browser where it can, by the vendored library where it cannot. */
export async function ed25519Holds(key, text, signature) {
  try {
    const imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, imported, signature, text);
  } catch (error) {
    if (error instanceof DOMException && error.name !== "NotSupportedError") return false;
    const { verifyAsync } = await import("../vendor/noble-ed25519/noble-ed25519.js");
    return verifyAsync(signature, text, key, { zip215: false });
  }
}

/** By which the next attestation names this one; its first eight letters are the day's code. */
export async function digest(text) {
  return hex(await sha256(text));
}
