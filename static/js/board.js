// Dragging is the menu of a card, filled in: it posts the same form. Without this, and without a mouse, the menu does all.
let card = null;

function option(event) {
  const column = event.target.closest?.("[data-column]")?.dataset.column;
  return column && card?.querySelector(`option[value="${CSS.escape(column)}"]`);
}

document.addEventListener("dragstart", (event) => { card = event.target.closest?.(".board-card"); });
document.addEventListener("dragover", (event) => { if (option(event)) event.preventDefault(); });
document.addEventListener("drop", (event) => {
  const to = option(event);
  if (!to) return;
  event.preventDefault();
  to.selected = true;
  to.closest("form").requestSubmit();
});
