// The page on which a person checks their balance: one click, and what was found in words.

import { checkAll, dateOf, keep, kitOf, makeSecret, readKit } from "./check.js";
import { Refused, money } from "./proof.js";

const page = document.querySelector("[data-proof]");
const account = page.dataset.account;
const firstKey = page.dataset.key;
const { since } = page.dataset;
const mirrors = page.dataset.mirrors.split(" ").filter(Boolean);
const form = page.querySelector("[data-proof-form]");
const out = page.querySelector("[data-proof-result]");
const trouble = page.querySelector("[data-proof-trouble]");
const secret = page.querySelector("[data-proof-secret]");
let kit = kitOf(account);

const day = (date) =>
  new Intl.DateTimeFormat("en-US", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" }).format(new Date(date));

function line(tag, words, className = "") {
  const element = document.createElement(tag);
  element.textContent = words;
  element.className = className;
  return element;
}

function readBalance(text) {
  const plain = text.replace(/[$\s]/g, "");
  if (plain === "") return null;
  const found = /^(\d{1,15}|\d{1,3}(?:,\d{3}){1,4})(?:\.(\d{2}))?$/.exec(plain);
  if (found === null) return undefined;
  return BigInt(found[1].replaceAll(",", "")) * 100n + BigInt(found[2] ?? "0");
}

// ------------------------------------------------------------------------------------------------------- the check
async function check({ again = true } = {}) {
  trouble.hidden = true;
  const balance = readBalance(form.elements.balance.value);
  if (balance === undefined) {
    out.replaceChildren(line("p", "Nothing was checked: write your balance as 123.45.", "field-error"));
    form.elements.balance.focus();
    return;
  }
  out.replaceChildren(line("p", "Checking…", "muted"));
  form.setAttribute("aria-busy", "true");
  try {
    show(await checkAll(kit, { firstKey, mirrors, since, balance, again }), balance);
  } catch (error) {
    if (error instanceof Refused) refused(error);
    else out.replaceChildren(line("p", "The check could not be made. Are you connected? Nothing was found, good or bad.", "muted"));
  } finally {
    form.removeAttribute("aria-busy");
    showSecret();
  }
}

function show({ days, checked, same, missed }, said) {
  const last = checked.at(-1);
  const parts = [];
  if (last === undefined) {
    parts.push(line("h3", "Nothing of yours to check yet"));
    parts.push(line("p", `Your account was opened ${since ? `on ${day(since)}, ` : ""}after the last cut. The next attestation is the first that has you in it.`, "muted"));
  } else {
    const title = line("h3", `Counted: ${money(last.balance)}`, "proof-good");
    title.dataset.proofGood = "";
    parts.push(title);
    const when = day(last.day.attestation.cut);
    parts.push(line("p", `This is what was yours at the cut of ${when}, and it is inside the ${money(last.day.attestation.liabilities)} that PaYa has signed for.`));
    if (said === null) parts.push(line("p", "We took the balance from PaYa's answer. If yours was another, write it above and check again.", "muted"));
    const list = document.createElement("ul");
    list.className = "proof-facts";
    const earlier = checked.length - 1;
    list.append(line("li", earlier > 0 ? `${earlier} earlier ${earlier > 1 ? "days are" : "day is"} right as well.` : "Earlier days were checked before."));
    if (missed.length > 0) list.append(line("li", `No attestation was made for ${missed.slice(-5).map(day).join("; ")}.`));
    list.append(line("li", mirrors.length === 0 ? "There is no second place to compare with here." : `${same} of ${mirrors.length} other ${mirrors.length > 1 ? "places have" : "place has"} the same text.`));
    if (last.borrowed) list.append(line("li", `${kit.secrets.length > 0 ? "It is counted under another secret than the one in this browser" : "This browser does not have your own secret"}, and PaYa's answer was believed. Bring the proof kit of the browser in which you made it; if you made none, write to us.`));
    parts.push(list);
    const code = line("p", "", "proof-code");
    code.append("Compare with somebody: the code of ", line("b", dateOf(last.day.attestation.epoch), "nowrap"), " is ", line("code", last.day.digest.slice(0, 8)));
    parts.push(code);
  }
  out.replaceChildren(...parts);
  if (days.length === 0) out.replaceChildren(line("p", "Nothing has been attested yet.", "muted"));
}

function refused(error) {
  const title = line("h3", "This does not match", "proof-bad");
  title.dataset.proofBad = error.step;
  const when = error.day ? ` on ${day(error.day.attestation.cut)}` : "";
  out.replaceChildren(
    title,
    line("p", error.message),
    line("p", `The step that failed${when}: ${error.step}. Your money is where it was: this is about what PaYa has published.`, "muted"),
  );
  trouble.elements.date.value = error.day ? dateOf(error.day.attestation.epoch) : page.dataset.latest;
  trouble.elements.step.value = error.step;
  trouble.elements.expected.value = form.elements.balance.value;
  trouble.hidden = false;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  check();
});

// ------------------------------------------------------------------------------------------------------ the secret
function showSecret() {
  const has = kit.secrets.length > 0;
  secret.querySelector("[data-secret-none]").hidden = has;
  secret.querySelector("[data-secret-here]").hidden = !has;
  secret.querySelector("[data-kit-save]").hidden = !has && kit.head === null;
}

secret.querySelector("[data-secret-make]").addEventListener("click", async (event) => {
  const button = event.currentTarget;
  button.disabled = true;
  const said = secret.querySelector("[data-secret-said]");
  const nonce = makeSecret();
  try {
    const response = await fetch("/transparency/proof/secret", {
      method: "POST",
      headers: { "X-CSRFToken": trouble.elements.csrfmiddlewaretoken.value },
      body: new URLSearchParams({ nonce }),
    });
    if (!response.ok) throw new Error(String(response.status));
    kit.secrets.push({ nonce, since: new Date(response.headers.get("Date") ?? Date.now()).toISOString() });
    keep(kit);
    said.textContent = "Made. It is in this browser, and counts from the next attestation on. Save your proof kit.";
  } catch {
    said.textContent = "That did not work, and nothing was changed. Try again.";
  }
  button.disabled = false;
  showSecret();
});

secret.querySelector("[data-kit-save]").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(kit, null, 2)], { type: "application/json" }));
  link.download = `paya-proof-kit-${account}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
});

secret.querySelector("[data-kit-bring]").addEventListener("change", async (event) => {
  const said = secret.querySelector("[data-secret-said]");
  try {
    const brought = readKit(await event.target.files[0].text());
    if (brought.account !== account) throw new Refused("kit", `This kit is @${brought.account}'s.`);
    const known = new Set(kit.secrets.map(({ nonce }) => nonce));
    const secrets = [...kit.secrets, ...brought.secrets.filter(({ nonce }) => !known.has(nonce))];
    secrets.sort((one, other) => Date.parse(one.since) - Date.parse(other.since));
    const further = (brought.head?.position ?? -1) > (kit.head?.position ?? -1) ? brought : kit;
    const opened = [kit.since, brought.since].filter(Boolean).sort()[0] ?? null;
    kit = { ...further, since: opened, secrets, first: kit.first ?? brought.first };
    keep(kit);
    said.textContent = "Your kit is here now.";
  } catch (error) {
    said.textContent = error instanceof Refused ? error.message : "This file could not be read.";
  }
  event.target.value = "";
  showSecret();
});

page.querySelector("[data-proof-live]").hidden = false;
showSecret();
check({ again: kit.head === null });
