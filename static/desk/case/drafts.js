// What was typed into a case and not sent is kept in this browser: per person, case and form, for a week.

const PREFIX = "recourse:draft:";
const WEEK = 7 * 24 * 3600 * 1000;
const TEXTS = "textarea, input[type=text]";

const page = document.querySelector(".desk-case");
const mine = page ? `${PREFIX}${page.dataset.user}:` : "";
const lost = new Set(); // forms whose text could not be kept

const nameOf = (form) => {
  const row = form.querySelector("input[name=flag], input[name=member]")?.value || "";
  return `${page.dataset.case}:${form.dataset.draft}${row}`;
};
const formsOf = () => [...page.querySelectorAll("form[data-draft]")];

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null; // not ours, or nothing can be read here
  }
}

function forget(key) {
  try {
    localStorage.removeItem(key);
  } catch {
    // nothing was kept, so there is nothing to forget
  }
}

function keep(form) {
  const changed = [...form.querySelectorAll(TEXTS)].filter((field) => field.name && field.value.trim());
  const fields = Object.fromEntries(changed.map((field) => [field.name, field.value]));
  lost.delete(form);
  if (!changed.length) return forget(mine + nameOf(form));
  try {
    localStorage.setItem(mine + nameOf(form), JSON.stringify({ at: Date.now(), fields }));
  } catch {
    lost.add(form);
  }
}

function expire() {
  try {
    for (const key of Object.keys(localStorage).filter((each) => each.startsWith(PREFIX))) {
      if (!(read(key)?.at > Date.now() - WEEK)) forget(key);
    }
  } catch {
    // nothing can be kept here
  }
}

function clear(form) {
  forget(mine + nameOf(form));
  for (const field of form.querySelectorAll(TEXTS)) field.value = field.defaultValue;
  form.querySelector(".desk-restored")?.remove();
  form.closest("details")?.querySelector("summary .desk-kept")?.remove();
}

function restore(form) {
  const draft = read(mine + nameOf(form));
  if (!draft || form.dataset.draft === page.dataset.tried) return; // a refused form comes back as it was sent
  const empty = [...form.querySelectorAll(TEXTS)].filter((field) => !field.value && draft.fields[field.name]);
  if (!empty.length) return;
  for (const field of empty) field.value = draft.fields[field.name];
  const [word, badge] = document.getElementById("desk-restored").content.cloneNode(true).children;
  word.querySelector("time").textContent = new Date(draft.at).toLocaleString(document.documentElement.lang);
  word.querySelector("button").addEventListener("click", () => clear(form));
  form.prepend(word);
  form.closest("details")?.querySelector("summary").append(badge);
}

function orphans() {
  const shown = new Set(formsOf().map((form) => mine + nameOf(form)));
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(`${mine}${page.dataset.case}:`) && !shown.has(key));
  const texts = keys.flatMap((key) => Object.values(read(key)?.fields || {}));
  const box = page.querySelector("[data-orphans]");
  if (!texts.length || !box) return;
  box.hidden = false;
  box.querySelector(".desk-typed").textContent = texts.join("\n");
  box.querySelector("button").addEventListener("click", () => {
    keys.forEach(forget);
    box.hidden = true;
  });
}

if (page) {
  expire();
  if (page.dataset.sent) forget(mine + page.dataset.sent);
  formsOf().forEach(restore);
  try {
    orphans();
  } catch {
    // nothing is kept here
  }
  page.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-draft]");
    if (form && event.target.matches(TEXTS)) keep(form);
  });
  // The server says by this name which text has arrived, wherever its answer leads.
  page.addEventListener("formdata", (event) => {
    if (event.target.dataset.draft) event.formData.set("draft", nameOf(event.target));
  });
  page.addEventListener("submit", (event) => lost.delete(event.target));
  window.addEventListener("beforeunload", (event) => {
    if (lost.size) event.preventDefault();
  });
}
