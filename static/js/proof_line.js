// Once per log-in, when the page has settled: check quietly, and say in one line what was found.

const place = document.querySelector("[data-proof-line]");
const once = `paya.checked.${place?.dataset.account}`;

async function look() {
  const [{ checkAll, kitOf }, { Refused, money }] = await Promise.all([import("./check.js"), import("./proof.js")]);
  const words = place.querySelector("[data-proof-words]");
  try {
    const { key, mirrors, since } = await (await fetch("/transparency/proof/facts")).json();
    if (key === "") return;
    const { checked } = await checkAll(kitOf(place.dataset.account), { firstKey: key, mirrors, since });
    sessionStorage.setItem(once, "yes");
    const last = checked.at(-1);
    if (last === undefined) return; // nothing of this person's yet
    words.textContent = last.borrowed
      ? "Checked just now: your balance is counted, under a secret that this browser does not have."
      : `Checked just now: your ${money(last.balance)} are in PaYa\u2019s signed total.`;
  } catch (error) {
    if (!(error instanceof Refused)) return; // no connection: nothing was found, good or bad
    words.textContent = "Your balance and PaYa\u2019s signed total did not match when we checked just now.";
    place.dataset.proofLine = "bad";
  }
  place.hidden = false;
}

// Nobody waits for it: what the page itself needs comes first, and who is gone again in a moment is not made to fetch it.
if (place && !sessionStorage.getItem(once)) setTimeout(() => (window.requestIdleCallback ?? setTimeout)(look), 4000);
