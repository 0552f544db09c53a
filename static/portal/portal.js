// Everything works without this file: it keeps the countdowns running and a form from being sent twice.
(() => {
  const { now, left, overdue } = document.body.dataset;
  const skew = Date.parse(now) - Date.now(); // the clock is the server's, whatever this machine's says
  const language = document.documentElement.lang;
  const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

  const amount = (number, unit, style, digits = 1) =>
    new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: style, minimumIntegerDigits: digits }).format(number);

  // As the server words it: days from two on, then hours, then minutes.
  const roughly = (time) => {
    if (time >= 2 * DAY) return amount(Math.floor(time / DAY), "day", "long");
    if (time >= HOUR) return amount(Math.floor(time / HOUR), "hour", "long");
    return amount(Math.max(1, Math.floor(time / MINUTE)), "minute", "long");
  };

  const exactly = (time) => {
    const days = Math.floor(time / DAY), hours = Math.floor((time % DAY) / HOUR);
    const minutes = Math.floor((time % HOUR) / MINUTE), seconds = Math.floor((time % MINUTE) / SECOND);
    const parts = days >= 2 ? [[days, "day"], [hours, "hour"]] : [[hours + 24 * days, "hour"], [minutes, "minute", 2], [seconds, "second", 2]];
    if (!parts[0][0]) parts.shift();
    const english = language === "en";
    const words = parts.map(([number, unit, digits]) => amount(number, unit, english ? "narrow" : "short", digits));
    return words.join(english ? " " : "");
  };

  const show = (selector, key, words) => {
    for (const place of document.querySelectorAll(selector)) {
      const time = Date.parse(place.dataset[key]) - Date.now() - skew;
      const text = (time < 0 ? overdue : left).replace("{}", words(Math.abs(time)));
      if (place.textContent !== text) place.textContent = text;
      place.closest(".clock, .due")?.classList.toggle("over", time < 0);
    }
  };
  const tick = () => {
    show("[data-clock]", "clock", exactly);
    show("[data-due]", "due", roughly);
  };
  if (document.querySelector("[data-clock], [data-due]")) {
    tick();
    setInterval(tick, SECOND);
  }

  document.querySelector("[data-focus]")?.focus();

  for (const form of document.querySelectorAll("form[data-once]")) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "yes";
      form.setAttribute("aria-busy", "true");
    });
  }
  // A page taken from the back-forward cache may be sent again.
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-once]")) {
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
    }
  });
})();
