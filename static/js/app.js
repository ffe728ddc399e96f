// Forms work without this file; it makes them answer at once and say what they are about to do.

// --- a form that came back: on to the field that needs something ----------------------------------------------

document.querySelector('[aria-invalid="true"]')?.focus();

// --- every form that must be sent once -----------------------------------------------------------------------

// Heard at the document, so that a form which htmx has put there later is one of them.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.hasAttribute("data-once")) return;
  if (form.dataset.sent) return event.preventDefault();
  if (!navigator.onLine) {
    event.preventDefault();
    return sayOffline(form);
  }
  form.dataset.sent = "yes";
  const button = form.querySelector("button:not([type=button])");
  button.dataset.label ??= button.textContent;
  button.textContent = button.dataset.busy ?? button.textContent;
  button.setAttribute("aria-busy", "true");
  // Only after the browser has gathered the form, which leaves disabled controls out.
  setTimeout(() => { button.disabled = true; });
});

/** Above the button that was pressed: instead of the browser's own page, on which what was typed is lost. */
function sayOffline(form) {
  form.querySelector("[data-no-line]")?.remove();
  const words = document.createElement("p");
  words.className = "field-error no-line";
  words.dataset.noLine = "";
  words.setAttribute("role", "alert");
  words.textContent = "You are offline. Nothing was sent. Try again once you are connected.";
  form.querySelector("button:not([type=button])").before(words);
}

addEventListener("online", () => document.querySelectorAll("[data-no-line]").forEach((words) => words.remove()));

// What is looked up while one types says so when it cannot be.
document.body.addEventListener("htmx:sendError", ({ detail }) => {
  if (!detail.target.hasAttribute("aria-live")) return;
  const words = document.createElement("span");
  words.className = "hint";
  words.dataset.noLine = "";
  words.textContent = "This cannot be checked without a connection.";
  detail.target.replaceChildren(words);
});

// Coming back by the browser's own button finds the form ready again.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    const button = form.querySelector("button:not([type=button])");
    button.textContent = button.dataset.label;
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
});

// --- "send it again" waits until the server will listen ------------------------------------------------------

for (const button of document.querySelectorAll("[data-countdown]")) {
  const words = button.textContent;
  const until = Date.now() + Number(button.dataset.countdown) * 1000;
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? `${words} in ${left} s` : words;
    if (left > 0) setTimeout(tick, 500);
  };
  tick();
}

// --- times in the reader's own zone --------------------------------------------------------------------------

const word = (clock, part) => new Intl.DateTimeFormat("en-US", { [part]: "short" }).format(clock);

function localTimes(within) {
  for (const time of within.querySelectorAll("time[data-local]")) {
    const clock = new Date(time.dateTime);
    const year = clock.getFullYear() === new Date().getFullYear() ? "" : ` ${clock.getFullYear()}`;
    const minute = [clock.getHours(), clock.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
    time.textContent = `${word(clock, "weekday")}, ${clock.getDate()} ${word(clock, "month")}${year}, ${minute}`;
  }
}

localTimes(document);
document.body.addEventListener("htmx:afterSettle", () => localTimes(document));

// --- copy ----------------------------------------------------------------------------------------------------

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  const words = button.textContent;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = words; }, 2_000);
  });
}

// --- how much of the note is left ----------------------------------------------------------------------------

for (const input of document.querySelectorAll("[data-count]")) {
  const said = document.getElementById(`${input.id}-count`), most = Number(input.dataset.count);
  const show = () => {
    const left = most - [...input.value].length;      // characters as the server counts them, so an emoji is one
    said.hidden = left > 40;
    said.classList.toggle("over", left < 0);
    said.textContent = left < 0 ? `${-left} too many` : `${left} left`;
  };
  input.addEventListener("input", show);
  show();
}

// --- amounts -------------------------------------------------------------------------------------------------

const amount = document.getElementById("amount");
const go = document.querySelector("button[data-verb]");
const privateWords = document.querySelector("form[data-pay] [data-words]");

/** "25.7" -> "$25.70"; "" while it is no amount yet. The server decides what counts; this only labels a button. */
function amountWords(text) {
  const match = /^\s*\$?\s*(\d{1,3}(?:,\d{3})+|\d{1,9})?(?:\.(\d{0,2}))?\s*$/.exec(text);
  if (!match || (!match[1] && !match[2])) return "";
  const dollars = Number((match[1] ?? "0").replaceAll(",", "")), cents = (match[2] ?? "").padEnd(2, "0");
  return dollars || Number(cents) ? `$${dollars.toLocaleString("en-US")}.${cents}` : "";
}

function labelButton() {
  if (!go || go.form.dataset.sent) return;
  const who = document.querySelector("#payee [data-payee]")?.dataset.payee ?? "";
  if (privateWords) privateWords.textContent = who ? `Only you and ${who}.` : privateWords.dataset.words;
  go.textContent = [go.dataset.verb, who, amountWords(amount.value)].filter(Boolean).join(" ");
}

if (amount) {
  amount.addEventListener("input", labelButton);
  for (const chip of document.querySelectorAll("[data-amount]")) {
    chip.closest("[hidden]")?.removeAttribute("hidden");
    chip.addEventListener("click", () => {
      amount.value = chip.dataset.amount;
      labelButton();
      amount.focus();
    });
  }
  labelButton();
}

// --- whom to pay: a list to walk with the arrow keys ---------------------------------------------------------

const to = document.getElementById("to");
const people = document.getElementById("people");

function choosePerson() {
  const payee = document.getElementById("payee");
  const options = () => [...people.querySelectorAll("[role=option]")];
  const at = () => options().findIndex((option) => option.getAttribute("aria-selected") === "true");

  to.setAttribute("role", "combobox");
  to.setAttribute("aria-autocomplete", "list");
  to.setAttribute("aria-controls", "people");
  to.setAttribute("aria-expanded", "false");

  function open(yes) {
    people.hidden = !yes;
    to.setAttribute("aria-expanded", String(yes));
    if (!yes) to.removeAttribute("aria-activedescendant");
  }
  function mark(index) {
    options().forEach((option, place) => option.setAttribute("aria-selected", String(place === index)));
    const option = options()[index];
    if (option) to.setAttribute("aria-activedescendant", option.id);
    option?.scrollIntoView({ block: "nearest" });
  }
  function pick(option) {
    to.value = option.dataset.username;
    open(false);
    people.replaceChildren();
    htmx.trigger(payee, "paya:payee");
  }

  to.addEventListener("keydown", (event) => {
    const count = options().length;
    if (people.hidden || !count) return;
    if (event.key === "ArrowDown") mark((at() + 1) % count);
    else if (event.key === "ArrowUp") mark((at() - 1 + count) % count);
    else if (event.key === "Enter" && at() >= 0) pick(options()[at()]);
    else if (event.key === "Escape") open(false);
    else return;
    event.preventDefault();
  });
  // mousedown, so that the choice is made before the field loses its focus and looks up what was half typed
  people.addEventListener("mousedown", (event) => {
    const option = event.target.closest("[role=option]");
    event.preventDefault();
    if (option) pick(option);
  });
  to.addEventListener("blur", () => open(false));
  to.addEventListener("input", () => {
    payee.replaceChildren();
    document.getElementById("to-error")?.remove();
    labelButton();
  });

  document.body.addEventListener("htmx:configRequest", ({ detail }) => {
    if (detail.path === "/pay/people") detail.parameters.q = to.value;
  });
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    const { pathInfo } = event.detail;
    if (["/pay/people", "/pay/payee"].includes(pathInfo.requestPath.split("?")[0]) && !to.value.trim()) {
      event.preventDefault();
      open(false);
    }
  });
  document.body.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target === people) open(document.activeElement === to && options().length > 0);
    if (detail.target === payee) labelButton();
  });
}

if (to && people) choosePerson();
