// The command palette: pages and queues stand in the dialogue, actions on the page, and cases are asked for by number.

const SHORTEST = 4; // characters of a number, as refunds/admin/palette.py has it
const PAUSE = 150; // milliseconds without a key before the server is asked
const MOST = 12;

const dialog = document.getElementById("desk-palette");
const term = document.getElementById("desk-palette-term");
const list = document.getElementById("desk-palette-list");
const pages = list ? [...list.children] : [];
let actions = [];
let cases = [];
let timer = 0;
let asking = null; // an AbortController while the server is asked
let isChosen = false; // Enter was pressed before the answer was there

const plain = (text) => text.normalize("NFKC").toLowerCase().trim();

// How well the words hold the term: less is better, null is not at all. Letters may be left out, not swapped.
function distance(words, wanted) {
  const found = words.indexOf(wanted);
  if (found >= 0) return found / 100;
  let at = -1;
  let first = -1;
  for (const letter of wanted.replace(/\s/g, "")) {
    at = words.indexOf(letter, at + 1);
    if (at < 0) return null;
    if (first < 0) first = at;
  }
  const spread = at - first + 1 - wanted.length;
  return spread <= 2 * wanted.length ? 1 + spread : null;
}

function option(icon, title, aside, words) {
  const item = document.createElement("li");
  item.role = "option";
  item.dataset.words = words;
  const sign = document.createElement("span");
  sign.className = "material-symbols-outlined";
  sign.ariaHidden = "true";
  sign.textContent = icon;
  const name = document.createElement("span");
  name.textContent = title;
  const note = document.createElement("small");
  note.textContent = aside;
  item.append(sign, name, note);
  return item;
}

function actionsOfPage() {
  const takers = [...document.querySelectorAll("[data-keys]:not([data-opens], [data-step])")];
  return takers.filter((taker) => taker.getClientRects().length).map((taker) => {
    const copy = taker.cloneNode(true);
    copy.querySelectorAll(".material-symbols-outlined, kbd").forEach((part) => part.remove());
    const icon = taker.querySelector(".material-symbols-outlined")?.textContent || "bolt";
    const item = option(icon, copy.textContent.trim(), `${list.dataset.action} · ${taker.dataset.keys}`, copy.textContent);
    item.taker = taker;
    return item;
  });
}

function show() {
  const wanted = plain(term.value);
  const local = [...actions, ...pages]
    .map((item) => ({ item, far: wanted ? distance(plain(item.dataset.words), wanted) : 0 }))
    .filter(({ far }) => far !== null)
    .sort((one, other) => one.far - other.far)
    .map(({ item }) => item);
  const shown = [...cases, ...local].slice(0, MOST);
  shown.forEach((item, at) => (item.id = `desk-item-${at + 1}`));
  list.replaceChildren(...shown);
  choose(shown[0]);
  if (!shown.length && !asking) {
    const none = document.createElement("li");
    none.className = "desk-quiet";
    none.role = "option";
    none.ariaDisabled = "true";
    none.textContent = list.dataset.none;
    list.append(none);
  }
  const words = shown.length ? `${shown.length} ${list.dataset.count}` : list.dataset.none;
  if (wanted && !asking) document.dispatchEvent(new CustomEvent("desk:say", { detail: words }));
}

function choose(item) {
  list.querySelector("[aria-selected=true]")?.removeAttribute("aria-selected");
  term.removeAttribute("aria-activedescendant");
  if (!item || item.ariaDisabled) return;
  item.setAttribute("aria-selected", "true");
  term.setAttribute("aria-activedescendant", item.id);
  item.scrollIntoView({ block: "nearest" });
}

function follow(item) {
  if (!item || item.ariaDisabled) return;
  dialog.close();
  if (item.taker) document.dispatchEvent(new CustomEvent("desk:act", { detail: item.taker }));
  else location.assign(item.dataset.link);
}

async function ask() {
  const wanted = term.value.trim();
  asking?.abort();
  asking = new AbortController();
  try {
    const answer = await fetch(`${dialog.dataset.find}?q=${encodeURIComponent(wanted)}`, { signal: asking.signal });
    const found = answer.ok ? (await answer.json()).cases : [];
    cases = found.map((row) => {
      const item = option("gavel", row.number, `${row.by} · ${row.state} · ${row.amount} · ${row.title}`, row.number);
      item.dataset.link = row.link;
      return item;
    });
  } catch (error) {
    if (error.name === "AbortError") return; // a newer question is on its way
    cases = [];
  }
  asking = null;
  show();
  if (isChosen) follow(list.querySelector("[aria-selected=true]"));
  isChosen = false;
}

function typed() {
  clearTimeout(timer);
  cases = [];
  isChosen = false;
  asking?.abort();
  asking = null;
  if (term.value.trim().length >= SHORTEST) {
    asking = new AbortController(); // as good as asked: Enter waits for the answer
    timer = setTimeout(ask, PAUSE);
  }
  show();
}

function key(event) {
  if (event.isComposing) return;
  const at = list.querySelector("[aria-selected=true]");
  const steps = { ArrowDown: at?.nextElementSibling || list.firstElementChild, ArrowUp: at?.previousElementSibling || list.lastElementChild };
  if (event.key in steps) choose(steps[event.key]);
  else if (event.key === "Enter" && asking) isChosen = true;
  else if (event.key === "Enter") follow(at);
  else if (event.key === "Escape") dialog.close(); // a search field would only be emptied
  else return;
  event.preventDefault();
}

if (dialog) {
  term.addEventListener("input", typed);
  term.addEventListener("keydown", key);
  list.addEventListener("click", (event) => follow(event.target.closest("[role=option]")));
  // Opened by keys.js: what the page offers is looked up anew each time.
  new MutationObserver(() => {
    if (!dialog.open) return;
    actions = actionsOfPage();
    cases = [];
    term.value = "";
    show();
    term.focus();
  }).observe(dialog, { attributeFilter: ["open"] });
}
