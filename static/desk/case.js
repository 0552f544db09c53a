// A clause from the findings, picked with one press instead of typed.
document.addEventListener("click", (event) => {
  const chip = event.target.closest("[data-fill]");
  if (chip) {
    const field = document.getElementById(chip.dataset.fill);
    field.value = chip.value;
    field.focus();
  }
});
