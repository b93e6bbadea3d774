// Choosing rows: ranges with shift, all of a page, what was chosen stays chosen when the list comes again.
const boxes = () => [...document.querySelectorAll("#bulk input[name=id]")];
const wide = matchMedia("(min-width: 75rem)");
let last = null;
let kept = new Set();

function count() {
  const all = document.getElementById("all");
  if (!all) return;
  const found = boxes();
  const chosen = found.filter((box) => box.checked).length;
  const scope = document.getElementById("scope");
  if (scope && chosen < found.length) scope.checked = false;
  all.closest("label").hidden = false;
  all.checked = chosen > 0 && chosen === found.length;
  all.indeterminate = chosen > 0 && chosen < found.length;
  const number = scope?.checked ? document.querySelector("#bulk [name=total]").value : chosen;
  document.getElementById("chosen").textContent = chosen ? `${Number(number).toLocaleString("en-US")} chosen` : "Choose findings to change them";
}

function range(to, on) {
  const found = boxes();
  const [a, b] = [found.indexOf(last ?? to), found.indexOf(to)].sort((x, y) => x - y);
  found.slice(Math.max(a, 0), b + 1).forEach((box) => { box.checked = on; });
}

document.addEventListener("click", (event) => {
  const box = event.target.closest?.("#bulk input[name=id]");
  if (box) {
    if (event.shiftKey) range(box, box.checked);
    last = box;
  }
  if (event.target.id === "all") boxes().forEach((each) => { each.checked = event.target.checked; });
  count();
});

// keys.js tells which row, and whether all between it and the last one are meant.
document.addEventListener("row:choose", (event) => {
  const box = event.target.querySelector("input[name=id]");
  if (!box) return;
  if (event.detail.range) range(box, true);
  else box.checked = !box.checked;
  last = box;
  count();
});

// Beside the list where there is room, else the finding's own page.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-preview]");
  if (!link || !wide.matches || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const here = new URL(location);
  here.searchParams.set("f", link.dataset.preview);
  history.replaceState(history.state, "", here);
  document.querySelectorAll("tr.is-shown").forEach((row) => row.classList.remove("is-shown"));
  link.closest("tr").classList.add("is-shown");
  window.htmx.ajax("GET", link.href, { target: "#preview", swap: "innerHTML" });
});

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id === "results") kept = new Set(boxes().filter((box) => box.checked).map((box) => box.id));
});
document.addEventListener("htmx:afterSettle", () => {
  boxes().forEach((box) => { box.checked ||= kept.has(box.id); });
  last = boxes().find((box) => box.id === last?.id) ?? null;
  count();
  document.querySelectorAll(".toast[data-seconds]").forEach((toast) => setTimeout(() => toast.remove(), toast.dataset.seconds * 1000));
});
count();
