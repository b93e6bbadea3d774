// Dragging is the menu of a card, filled in: it posts the same form. Without this, and without a mouse, the menu does all.
let card = null;

for (const each of document.querySelectorAll(".board-card:has(form)")) each.draggable = true;

document.addEventListener("dragstart", (event) => {
  card = event.target.closest?.(".board-card") ?? null;
  card?.classList.add("is-held");
});
document.addEventListener("dragend", () => {
  card?.classList.remove("is-held");
  card = null;
});
document.addEventListener("dragover", (event) => {
  if (option(event.target)) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  const to = option(event.target);
  if (!to) return;
  event.preventDefault();
  to.selected = true;
  to.closest("form").requestSubmit();
});

function option(target) {
  const column = target.closest?.("[data-column]")?.dataset.column;
  return column && card?.querySelector(`option[value="${CSS.escape(column)}"]`);
}
