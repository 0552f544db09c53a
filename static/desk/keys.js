// The keys of the desk. An element answers to those in its data-keys; refunds/admin/shortcuts.py says which there are.
// Other files ask for things by events, since none imports another: "desk:act" with an element, "desk:say" with words.

const OFF = "recourse:keys-off";
const TYPING = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=button], [type=submit])";
const live = document.getElementById("desk-live");
let section = null; // where the last step between sections led

function areOn() {
  try {
    return localStorage.getItem(OFF) === null;
  } catch {
    return true; // a browser that keeps nothing: as they come
  }
}

function combination(event) {
  const held = event.ctrlKey || event.metaKey ? "Ctrl+" : "";
  return held + (event.key.length === 1 ? event.key.toLowerCase() : event.key);
}

function target(keys) {
  const takers = [...document.querySelectorAll("[data-keys]")];
  return takers.find((taker) => taker.dataset.keys.split(" ").includes(keys) && taker.getClientRects().length);
}

function act(element) {
  if (element.dataset.step) return step(Number(element.dataset.step));
  if (element.tagName !== "SUMMARY") return element.click();
  const box = element.parentElement;
  box.open = true;
  const first = box.querySelector("textarea, select, input:not([type=hidden])");
  (first || element).focus();
  box.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const all = [...document.querySelectorAll("section[tabindex='-1']")];
  const here = document.activeElement.closest("section[tabindex='-1']") || section;
  const at = all.indexOf(here) + by;
  section = all[here === null && by < 0 ? all.length - 1 : Math.min(Math.max(at, 0), all.length - 1)];
  section?.focus({ preventScroll: true });
  section?.scrollIntoView({ block: "start" });
}

function send() {
  const form = document.activeElement.closest("form[data-draft]") || document.querySelector("details[open] > form[data-draft]");
  form?.requestSubmit();
  return Boolean(form);
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.altKey || event.repeat) return;
  const keys = combination(event);
  if (keys === "Ctrl+Enter") {
    if (send()) event.preventDefault();
    return;
  }
  if (!keys.startsWith("Ctrl+")) {
    if (!areOn() || event.target.closest?.(TYPING) || document.querySelector("dialog[open]")) return;
    if (keys === "/" && document.getElementById("searchbar")) return; // a list's own search shows that key
  }
  const taker = target(keys);
  if (!taker) return;
  event.preventDefault();
  act(taker);
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens).showModal();
  if (event.target.closest("[data-closes]") || event.target.matches("dialog[open]")) event.target.closest("dialog").close();
  const stepper = event.target.closest("[data-step]");
  if (stepper) step(Number(stepper.dataset.step));
});

document.addEventListener("desk:act", (event) => act(event.detail));
document.addEventListener("desk:say", (event) => {
  if (live) live.textContent = event.detail;
});

const box = document.getElementById("desk-keys-on");
if (box) {
  box.checked = areOn();
  box.addEventListener("change", () => {
    try {
      if (box.checked) localStorage.removeItem(OFF);
      else localStorage.setItem(OFF, "1");
    } catch {
      box.checked = true; // it cannot be kept
    }
  });
}

// What a page says when it opens is read aloud only where it changes something that is there already.
const said = [...document.querySelectorAll(".desk-messages li")].map((message) => message.textContent.trim());
if (said.length) setTimeout(() => document.dispatchEvent(new CustomEvent("desk:say", { detail: said.join(" ") })), 200);
