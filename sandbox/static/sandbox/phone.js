// The phone refreshes itself: every second and a half it fetches this page and swaps in what is new.
"use strict";

const FRESH_MS = 1500;

function showCopyButtons() {
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll(".copy")) button.hidden = false;
}

async function refresh() {
  if (document.hidden) return;
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  swap(page, "#messages", (list) => list.dataset.number + list.querySelector("[data-id]")?.dataset.id);
  swap(page, ".number-list", (list) => list.textContent);
}

function swap(page, selector, version) {
  const old = document.querySelector(selector);
  const fresh = page.querySelector(selector);
  if (!old || !fresh) {
    if (fresh && !old) location.reload();
    return;
  }
  if (version(old) === version(fresh)) return;
  const known = new Set([...old.querySelectorAll("[data-id]")].map((item) => item.dataset.id));
  for (const item of fresh.querySelectorAll("[data-id]")) {
    if (!known.has(item.dataset.id)) item.classList.add("new");
  }
  old.replaceChildren(...fresh.childNodes);
  old.dataset.number = fresh.dataset.number ?? "";
  showCopyButtons();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed";
  }
});

const note = document.querySelector("[data-live-note]");
if (note) note.textContent = "Newest on top, live";
showCopyButtons();
setInterval(() => refresh().catch(() => {}), FRESH_MS);
