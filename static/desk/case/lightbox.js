// The evidence of a case, one file at a time. What is watched is loaded only when somebody opens it.

const box = document.getElementById("desk-lightbox");
const files = [...document.querySelectorAll(".desk-thumb")];
const stage = box?.querySelector(".desk-lightbox-stage");
const LARGEST = 6;
let at = 0;
let steps = 0; // of zoom, each half as large again; 0: as the screen allows
let fitting = 0; // how wide that is

function show(index) {
  at = (index + files.length) % files.length;
  steps = 0;
  const file = files[at].dataset;
  const url = files[at].getAttribute("href");
  const kind = url ? file.shows : "link";
  const piece = box.querySelector(`template[data-stage=${kind}]`).content.firstElementChild.cloneNode(true);
  if (kind === "image") {
    piece.src = url;
    piece.alt = file.caption;
  } else if (kind === "video") {
    piece.src = url;
    piece.setAttribute("aria-label", file.caption);
  } else {
    piece.querySelector("span").textContent = file.said || "";
    if (url) piece.querySelector("a").href = url;
    else piece.querySelector("a").remove();
  }
  stage.classList.remove("desk-zoomed");
  stage.replaceChildren(piece);
  document.getElementById("desk-lightbox-caption").textContent = `${at + 1} / ${files.length} · ${file.caption}`;
  box.querySelectorAll("[data-zoom]").forEach((button) => (button.disabled = kind !== "image"));
}

function zoom(by) {
  const image = stage.querySelector("img");
  if (!image) return;
  if (!steps) fitting = image.getBoundingClientRect().width;
  steps = Math.min(Math.max(steps + by, 0), LARGEST);
  stage.classList.toggle("desk-zoomed", steps > 0);
  image.style.width = steps ? `${Math.round(fitting * 1.5 ** steps)}px` : "";
}

if (box && files.length) {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-looks]");
    if (!opener || event.ctrlKey || event.metaKey) return; // a link still opens in a tab of its own
    event.preventDefault();
    show(Math.max(files.indexOf(opener), 0));
    box.showModal();
    stage.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches?.(".desk-thumb[role=button]")) event.target.click();
  });
  box.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.turn) show(at + Number(button.dataset.turn));
    if (button?.dataset.zoom) zoom(Number(button.dataset.zoom));
  });
  box.addEventListener("keydown", (event) => {
    if (event.target.tagName === "VIDEO" || event.ctrlKey || event.metaKey) return; // its own keys
    const keys = {
      ArrowLeft: () => show(at - 1),
      ArrowRight: () => show(at + 1),
      "+": () => zoom(1),
      "=": () => zoom(1),
      "-": () => zoom(-1),
      0: () => zoom(-LARGEST),
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
  box.addEventListener("close", () => stage.replaceChildren()); // a film stops
}
