// The letter an open form would send, asked for again as the form changes. Nothing is sent by asking.

const PAUSE = 400; // milliseconds without a change before the server is asked
const timers = new WeakMap();
const asked = new WeakMap(); // by slot: what is under way
let isLeaving = false; // a form was sent: what it would say is no question any more

async function read(slot) {
  asked.get(slot)?.abort();
  if (isLeaving) return;
  const asking = new AbortController();
  asked.set(slot, asking);
  try {
    const body = new FormData(slot.closest("form"));
    const answer = await fetch(slot.dataset.letter, { method: "POST", body, signal: asking.signal });
    if (!answer.ok || answer.redirected) return; // the case moved on: sending the form says so
    const text = await answer.text();
    const focused = slot.contains(document.activeElement) ? document.activeElement.id : "";
    slot.innerHTML = text;
    if (focused) document.getElementById(focused)?.focus();
  } catch {
    // a newer question is on its way, or the page is being left
  }
}

function changed(event) {
  const slot = event.target.closest("form")?.querySelector("[data-letter]");
  if (!slot) return;
  clearTimeout(timers.get(slot));
  timers.set(slot, setTimeout(() => read(slot), event.target.type === "radio" ? 0 : PAUSE));
}

const page = document.querySelector(".desk-case");
page?.addEventListener("input", changed);
page?.addEventListener("submit", (event) => {
  isLeaving = !event.defaultPrevented;
  page.querySelectorAll("[data-letter]").forEach((slot) => asked.get(slot)?.abort());
});
window.addEventListener("pageshow", () => (isLeaving = false));
page?.addEventListener(
  "toggle",
  (event) => {
    const slot = event.target.open && event.target.querySelector("[data-letter]");
    if (slot) read(slot);
  },
  true,
);
page?.querySelectorAll("details[open] [data-letter]").forEach(read);
