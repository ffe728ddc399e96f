// Security keys: a button with data-key-options asks the site what the key shall sign, asks the browser for the key, puts its answer
// into the form's hidden field and sends the form. Buttons are hidden until this runs: without it the code does (console/keys.py).
"use strict";

const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const toText = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const named = (list) => (list || []).map((one) => ({ ...one, id: toBytes(one.id) }));

async function optionsFrom(address, form) {
  const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
  const answer = await fetch(address, { method: "POST", headers: { "X-CSRFToken": token } });
  if (!answer.ok) throw new Error(answer.status === 403 ? "Please open this page again, and give a code." : "That did not work. Please try again.");
  const options = await answer.json();
  options.challenge = toBytes(options.challenge);
  if (options.user) options.user.id = toBytes(options.user.id);
  if (options.excludeCredentials) options.excludeCredentials = named(options.excludeCredentials);
  if (options.allowCredentials) options.allowCredentials = named(options.allowCredentials);
  return options;
}

function said(credential) {
  const response = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[part]) response[part] = toText(credential.response[part]);
  }
  return JSON.stringify({ id: credential.id, rawId: toText(credential.rawId), type: credential.type, response });
}

async function use(button) {
  const form = button.closest("form");
  const problem = form.querySelector("[data-key-problem]");
  problem.textContent = "";
  if (!form.reportValidity()) return;
  button.disabled = true;
  try {
    const publicKey = await optionsFrom(button.dataset.keyOptions, form);
    const ask = "keyNew" in button.dataset ? "create" : "get";
    form.elements.namedItem("key").value = said(await navigator.credentials[ask]({ publicKey }));
    form.submit();
  } catch (error) {
    const words = { NotAllowedError: "No key answered.", InvalidStateError: "This key is registered already." };
    problem.textContent = words[error.name] || error.message;
    button.disabled = false;
  }
}

if (window.PublicKeyCredential) {
  for (const button of document.querySelectorAll("[data-key-options]")) {
    button.hidden = false;
    button.addEventListener("click", () => use(button));
  }
}
