// Single keys only work where nobody is typing (WCAG 2.1.4).
let leading = false;
let row = null;
const typing = (target) => target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]") !== null;
const rows = () => [...document.querySelectorAll("tr[data-row]")];
const here = () => document.activeElement.closest("tr[data-row]") ?? document.getElementById(row);

function move(step) {
  const all = rows();
  const to = all[Math.min(all.length - 1, Math.max(0, all.indexOf(here()) + step))];
  if (!to) return;
  row = to.id;
  to.querySelector("a.open").focus();
}

function choose(range) {
  here()?.dispatchEvent(new CustomEvent("row:choose", { bubbles: true, detail: { range } }));
}

// An option is chosen and the field it asks for is entered; anything else is pressed.
function press(key) {
  const target = document.querySelector(`[data-press="${CSS.escape(key)}"]`);
  if (!target) return false;
  if (!target.matches("option")) return target.click() ?? true;
  if (!document.querySelector("#bulk input[name=id]:checked")) choose(false);
  target.selected = true;
  target.parentElement.dispatchEvent(new Event("change", { bubbles: true }));
  document.getElementById(target.dataset.focus)?.focus();
  return true;
}

const keys = {
  j: () => move(1),
  k: () => move(-1),
  x: () => choose(false),
  X: () => choose(true),
  g: () => {
    leading = true;
    setTimeout(() => { leading = false; }, 1500);
  },
  "/": () => (document.getElementById("q") ?? document.getElementById("find"))?.focus(),
  "?": () => document.getElementById("help")?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
  if (leading) {
    leading = false;
    document.querySelector(`.nav a[data-key="${CSS.escape(event.key)}"]`)?.click();
  } else if (keys[event.key]) {
    event.preventDefault();
    keys[event.key]();
  } else if (press(event.key)) {
    event.preventDefault();
  }
});
