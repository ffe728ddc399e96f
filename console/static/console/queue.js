// The keys of a queue and of the pages of its rows (console/templates/console/queue.html says which). Rows and buttons are links
// that work without this; a key does what clicking its link does. Quiet while somebody types, and with a modifier held. It is on every
// page: q leads to the queues from anywhere.
"use strict";

const ACTIONS = { t: "take", n: "note", c: "close", a: "assign", p: "prioritise", x: "clear", r: "reopen", l: "release", d: "deny", w: "answer", e: "decide", y: "approve" };

const rows = () => [...document.querySelectorAll("#result_list tbody tr")].map((row) => row.querySelector("th a, td a")).filter(Boolean);

function move(step) {
  const links = rows();
  if (!links.length) return;
  const here = links.findIndex((link) => link.closest("tr") === document.activeElement?.closest("tr"));
  const next = here < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, here + step));
  links[next].focus();
  links[next].closest("tr").scrollIntoView({ block: "nearest" });
}

function follow(link) {
  if (link) link.click();
  return Boolean(link);
}

// A list as it was left, filters and all: `u` leads back to it, also after something was done to a row.
const LIST = /^\/admin\/console\/\w+\/$/;

function remember() {
  if (LIST.test(location.pathname)) sessionStorage.setItem(location.pathname, location.search);
}

// Esc leaves the page of an action; what somebody has begun to write is not lost by it, the second one leaves.
function leave(typing) {
  const back = document.querySelector(".console-act a[data-back]");
  if (back && typing && typing.value !== (typing.defaultValue ?? "")) return typing.blur(), true;
  return follow(back);
}

function act(key) {
  if (key === "j" || key === "ArrowDown") return rows().length > 0 && (move(1), true);
  if (key === "k" || key === "ArrowUp") return rows().length > 0 && (move(-1), true);
  if (key === "/") {
    const search = document.querySelector("#searchbar, #toolbar input[name=q], input[name=q]");
    if (search) search.focus();
    return Boolean(search);
  }
  if (key === "q") return location.assign("/admin/queues/"), true;
  if (key === "u" && !rows().length) {
    const list = location.pathname.match(/^(\/admin\/console\/\w+\/).+\/change\/$/);
    if (list) location.assign(list[1] + (sessionStorage.getItem(list[1]) ?? ""));
    return Boolean(list);
  }
  return key in ACTIONS && !rows().length && follow(document.querySelector(`.console-actions a[href$="/do/${ACTIONS[key]}/"]`));
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.key === "Escape" ? leave(typing) : !typing && act(event.key)) event.preventDefault();
});
document.addEventListener("DOMContentLoaded", () => {
  remember();
  // The browser does so by itself, but not for certain on a page that loads slowly.
  if (document.activeElement === document.body) document.querySelector("[autofocus]")?.focus();
});
