// The forms of a case: one sent once, amounts by unit, clauses found by their words.

const page = document.querySelector(".desk-case");

// The field that was refused is where to go on.
page?.querySelector("details[open] .desk-field-wrong :is(textarea, select, input)")?.focus();

page?.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "1";
});
window.addEventListener("pageshow", () => page?.querySelectorAll("form").forEach((form) => delete form.dataset.sent));

function fill(field, value) {
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

// --- Amounts: pressed units are added up; whole minor units, so that nothing is rounded.
function major(minor, decimals) {
  const digits = String(minor).padStart(decimals + 1, "0");
  return decimals ? `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}` : digits;
}

function amount(button, box) {
  const field = document.getElementById(box.dataset.amounts);
  const units = [...box.querySelectorAll("[data-minor]")];
  const press = (unit, is) => unit.setAttribute("aria-pressed", String(is));
  if ("whole" in button.dataset) units.forEach((unit) => press(unit, false));
  else press(button, button.getAttribute("aria-pressed") !== "true");
  const pressed = units.filter((unit) => unit.getAttribute("aria-pressed") === "true");
  const sum = pressed.reduce((total, unit) => total + Number(unit.dataset.minor), 0);
  const minor = "whole" in button.dataset ? Number(box.dataset.all) : sum;
  fill(field, minor ? major(minor, Number(box.dataset.decimals)) : "");
}

// --- Clauses: the list below the field holds those that have what was typed, in their code or in their words.
function narrow(box) {
  const wanted = document.getElementById(box.dataset.clauses).value.normalize("NFKC").toLowerCase().trim();
  let shown = 0;
  for (const row of box.querySelectorAll("li:not(.desk-picker-head)")) {
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
    shown += row.hidden ? 0 : 1;
  }
  box.querySelector(".desk-picker-none").hidden = shown > 0;
}

function walk(event, box) {
  const field = document.getElementById(box.dataset.clauses);
  const rows = [...box.querySelectorAll("li:not([hidden]) button")];
  const at = rows.indexOf(document.activeElement) + { ArrowDown: 1, ArrowUp: -1 }[event.key];
  event.preventDefault();
  (at < 0 ? field : rows[Math.min(at, rows.length - 1)])?.focus();
}

page?.addEventListener("click", (event) => {
  const button = event.target.closest("button[type=button]");
  const amounts = button?.closest("[data-amounts]");
  const clauses = button?.closest("[data-clauses]");
  if (amounts) amount(button, amounts);
  if (clauses) {
    const field = document.getElementById(clauses.dataset.clauses);
    fill(field, button.value);
    field.focus();
  }
});
for (const box of page?.querySelectorAll("[data-clauses]") || []) {
  const field = document.getElementById(box.dataset.clauses);
  field.addEventListener("input", () => narrow(box));
  box.closest("details").addEventListener("toggle", () => narrow(box));
  for (const part of [field, box]) {
    part.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") walk(event, box);
    });
  }
}
