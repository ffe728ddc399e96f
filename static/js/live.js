// What moves by itself: the public feed, one's own balance, and notifications.
//
// Everything that came from a person is set with textContent, never as markup. A dropped connection comes back
// by itself; the feed then asks for what it missed (?after=) and drops what it already has.

const FIRST_WAIT = 500, LONGEST_WAIT = 15_000;   // milliseconds
const MOST_ITEMS = 50;
const TOO_LONG_AGO = 4410;                       // more was missed than is replayed: go on from now

const liveUrl = document.body.dataset.live || location.origin.replace(/^http/, "ws");

/** Stay connected: wait longer after each failure, with jitter, so that a restart is not met by everybody at once. */
function stayConnected({ address, onFrame, onState, onClose = () => {}, onGone = () => {} }) {
  let wait = FIRST_WAIT, socket = null, timer = 0, gone = false;

  async function connect() {
    timer = 0;
    const url = await address();
    if (gone) return;
    if (url === null) return onGone();
    if (url === "") return later();
    socket = new WebSocket(url);
    socket.onopen = () => { wait = FIRST_WAIT; onState("live"); };
    socket.onmessage = (event) => onFrame(JSON.parse(event.data));
    socket.onclose = (event) => { socket = null; onClose(event.code); onState("reconnecting…"); later(); };
  }
  function later() {
    if (gone || timer) return;
    timer = setTimeout(connect, wait * (0.5 + Math.random() / 2));
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }
  function now() {
    if (socket || gone) return;
    clearTimeout(timer);
    wait = FIRST_WAIT;
    connect();
  }
  addEventListener("online", now);
  document.addEventListener("visibilitychange", () => document.hidden || now());
  // A page kept for "back" must not hold a socket, and has to catch up when it returns.
  addEventListener("pagehide", () => { gone = true; clearTimeout(timer); socket?.close(); });
  addEventListener("pageshow", (event) => { if (event.persisted) { gone = false; socket = null; now(); } });
  connect();
}

// --- the feed ------------------------------------------------------------------------------------------------

/** The same steps as the `ago` filter; older than a week the server's own words stay. */
export function ago(moment, now = Date.now()) {
  const minutes = Math.floor((now - moment) / 60_000);
  if (minutes < 1) return "now";
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h`;
  const days = Math.floor(minutes / 1440);
  if (days < 7) return days === 1 ? "1 day" : `${days} days`;
  return null;
}

function tickTimes() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const words = time.dateTime && ago(Date.parse(time.dateTime));
    if (words && words !== time.textContent) time.textContent = words;
  }
}

const tone = (username) => [...username].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 6;

function buildItem(item) {
  const row = document.getElementById("feed-item").content.firstElementChild.cloneNode(true);
  const put = (name, text) => { row.querySelector(`[data-feed="${name}"]`).textContent = text; };
  row.dataset.id = item.id;
  put("from", item.from.display_name);
  put("to", item.to.display_name);
  put("note", item.note ?? "");
  put("from_username", `@${item.from.username}`);
  put("to_username", `@${item.to.username}`);
  put("initial", ([...item.from.display_name.trim()][0] ?? "").toUpperCase());
  row.querySelector(".avatar").className = `avatar tone-${tone(item.from.username)}`;
  const time = row.querySelector("time");
  time.dateTime = item.created_at;
  time.textContent = ago(Date.parse(item.created_at)) ?? "";
  row.classList.add("is-new");
  return row;
}

function followFeed(list) {
  let cursor = list.dataset.cursor;
  const seen = new Set([...list.children].map((row) => row.dataset.id));
  const nothing = document.querySelector("[data-feed-empty]");
  const said = document.querySelector("[data-feed-said]");
  const states = document.querySelectorAll("[data-live-state]");
  let unsaid = 0, sayTimer = 0;

  // A screen reader hears a count at most every twenty seconds, not each payment.
  function say(count) {
    unsaid += count;
    sayTimer ||= setTimeout(() => {
      said.textContent = unsaid === 1 ? "1 new payment on the feed" : `${unsaid} new payments on the feed`;
      unsaid = sayTimer = 0;
    }, said.textContent ? 20_000 : 1_000);
  }
  function offerReload() {
    const older = document.querySelector("[data-older]");
    if (older) { older.href = location.pathname; older.textContent = "Reload for older payments"; }
  }
  function add(items) {
    const fresh = items.filter((item) => !seen.has(item.id)).reverse();      // a frame has the newest first
    for (const item of fresh) {
      seen.add(item.id);
      list.prepend(buildItem(item));
    }
    let dropped = false;
    while (list.children.length > MOST_ITEMS) { list.lastElementChild.remove(); dropped = true; }
    if (dropped) offerReload();
    if (fresh.length) say(fresh.length);
  }
  function onFrame(frame) {
    if (frame.type === "feed") {
      add(frame.items);
      if (frame.cursor) cursor = frame.cursor;
    } else if (frame.type === "remove") {
      const ids = new Set(frame.ids);
      for (const row of [...list.children]) if (ids.has(row.dataset.id)) row.remove();
    }
    nothing.hidden = list.children.length > 0;
  }
  function onState(words) {
    for (const state of states) {
      state.hidden = false;
      state.classList.toggle("is-live", words === "live");
      state.querySelector("[data-live-words]").textContent = words;
    }
  }
  stayConnected({
    address: async () => `${liveUrl}/ws/feed/?after=${encodeURIComponent(cursor ?? "")}`,
    onFrame,
    onState,
    onClose(code) { if (code === TOO_LONG_AGO) { cursor = null; offerReload(); } },
  });
}

// --- one's own wallet ----------------------------------------------------------------------------------------

const money = (cents) => {
  const whole = Math.floor(Math.abs(cents) / 100).toLocaleString("en-US");
  return { dollars: `${cents < 0 ? "−" : ""}$${whole}`, cents: `.${String(Math.abs(cents) % 100).padStart(2, "0")}` };
};

function showBalance(balance) {
  for (const [name, cents] of Object.entries(balance)) {
    const parts = money(cents), whole = parts.dollars + parts.cents;
    for (const element of document.querySelectorAll(`[data-balance="${name}"]`)) {
      const spoken = element.querySelector('[data-figure="whole"]');
      if (spoken.textContent === whole) continue;
      spoken.textContent = whole;
      element.querySelector('[data-figure="dollars"]').textContent = parts.dollars;
      element.querySelector('[data-figure="cents"]').textContent = parts.cents;
      element.classList.remove("is-changed");
      void element.offsetWidth;                       // so that the same animation can start again
      element.classList.add("is-changed");
    }
    for (const element of document.querySelectorAll(`[data-balance-text="${name}"]`)) element.textContent = whole;
  }
}

function toast(text, url) {
  let stack = document.querySelector(".toasts");
  if (!stack) {
    stack = document.createElement("div");
    stack.className = "toasts";
    stack.setAttribute("role", "status");
    document.body.append(stack);
  }
  const note = document.createElement(url ? "a" : "p");
  note.className = "toast";
  note.textContent = text;
  // Only our own pages, whatever the frame says.
  if (url) note.href = new URL(url, location.origin).pathname;
  stack.append(note);
  setTimeout(() => note.remove(), 8_000);
}

// Parts of the page that the server renders (pending lines, a transfer's steps) fetch themselves anew.
const refresh = () => document.body.dispatchEvent(new CustomEvent("paya:refresh"));

/** A single-use ticket, so that no lasting secret ever stands in an address. null: not logged in any more. */
async function ticketAddress() {
  try {
    const answer = await fetch("/live-ticket", {
      method: "POST",
      headers: { "X-CSRFToken": document.querySelector('meta[name="csrf-token"]').content },
    });
    if ([401, 403].includes(answer.status) || answer.redirected) return null;
    if (!answer.ok) return "";
    return `${liveUrl}/ws/me/?ticket=${encodeURIComponent((await answer.json()).ticket)}`;
  } catch {
    return "";
  }
}

function followWallet() {
  let opened = false, pendings = null;
  stayConnected({
    address: ticketAddress,
    onFrame(frame) {
      if (frame.type === "balance") {
        showBalance(frame.balance);
        const now = JSON.stringify([frame.balance.pending_in, frame.balance.pending_out, frame.balance.held]);
        if (pendings !== null && pendings !== now) refresh();
        pendings = now;
      } else if (frame.type === "notification") {
        toast(frame.text, frame.url);
        refresh();
      }
    },
    onState(words) {
      if (words === "live" && opened) refresh();      // something may have happened while we were away
      opened ||= words === "live";
    },
    // Logged out here, from another device: what stands on this page is nobody's to see any more.
    onGone() { location.replace(`/login?next=${encodeURIComponent(location.pathname)}`); },
  });
}

setInterval(tickTimes, 30_000);
tickTimes();
const list = document.querySelector("[data-feed-list]");
if (list) followFeed(list);
if ("me" in document.body.dataset) followWallet();
