// Choosing rows: ranges with shift, all of a page, what was chosen stays chosen when the list comes again.
const boxes = () => [...document.querySelectorAll("#bulk input[name=id]")];
let last = "";
let kept = [];

function count() {
  const all = document.getElementById("all");
  if (!all) return;
  const found = boxes();
  const chosen = found.filter((box) => box.checked).length;
  const scope = document.getElementById("scope");
  if (scope && chosen < found.length) scope.checked = false;
  all.checked = chosen > 0 && chosen === found.length;
  all.indeterminate = chosen > 0 && !all.checked;
  const number = Number(scope?.checked ? all.form.elements.total.value : chosen).toLocaleString("en-US");
  document.getElementById("chosen").textContent = chosen ? `${number} chosen` : "Choose findings to change them";
}

document.addEventListener("click", (event) => {
  const found = boxes();
  const at = found.indexOf(event.target);
  if (at >= 0) {
    const from = found.findIndex((box) => box.id === last);
    const range = event.shiftKey && from >= 0 ? found.slice(Math.min(from, at), Math.max(from, at)) : [];
    range.forEach((box) => { box.checked = event.target.checked; });
    last = event.target.id;
  }
  if (event.target.id === "all") found.forEach((box) => { box.checked = event.target.checked; });
  count();
});

// Beside the list where there is room, else the finding's own page.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-preview]");
  if (!link || !matchMedia("(min-width: 75rem)").matches || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const here = new URL(location);
  here.searchParams.set("f", link.dataset.preview);
  history.replaceState(history.state, "", here);
  document.querySelector("tr.is-shown")?.classList.remove("is-shown");
  link.closest("tr").classList.add("is-shown");
  window.htmx.ajax("GET", link.href, "#preview");
});

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id === "results") kept = boxes().filter((box) => box.checked).map((box) => box.id);
});
document.addEventListener("htmx:afterSettle", () => {
  boxes().forEach((box) => { box.checked ||= kept.includes(box.id); });
  count();
});
count();
