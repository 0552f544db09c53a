// x ticks the row that has the focus; a click with Shift ticks all between (the theme's actions.js).
document.addEventListener("keydown", (event) => {
  if (event.key !== "x" || event.ctrlKey || event.metaKey || event.altKey) return;
  const row = event.target.closest("#result_list tr");
  const box = row && row.querySelector("input.action-select");
  if (!box || event.target.matches("textarea, select, input:not(.action-select)")) return;
  event.preventDefault();
  box.click();
});
