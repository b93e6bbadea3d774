// Single keys, which only work where nobody is typing (WCAG 2.1.4). What a page offers says so itself: data-press.
const typing = "input:not([type=checkbox]), select, textarea, [contenteditable]";
let leading = 0; // until when the key after g is awaited
let row = null;

const here = () => document.activeElement.closest("tr[data-row]") ?? document.getElementById(row);

function move(step) {
  const all = [...document.querySelectorAll("tr[data-row]")];
  const to = all[Math.min(all.length - 1, Math.max(0, all.indexOf(here()) + step))];
  if (!to) return;
  row = to.id;
  to.querySelector("a.open").focus();
}

// As if its box were clicked: select.js does the rest.
function choose(shiftKey) {
  here()?.querySelector("input[name=id]")?.dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey }));
}

// An option is chosen and its field entered. Links and undoing are pressed; what else changes something takes a second key.
function press(key) {
  const target = document.querySelector(`[data-press="${CSS.escape(key)}"]`);
  if (!target) return false;
  if (target.matches("option")) {
    if (!document.querySelector("#bulk input[name=id]:checked")) choose(false);
    target.selected = true;
    document.getElementById(target.dataset.focus)?.focus();
  } else if (key === "u" || target.matches("a")) target.click();
  else target.focus();
  return true;
}

const keys = {
  j: () => move(1),
  k: () => move(-1),
  x: () => choose(false),
  X: () => choose(true),
  g: (event) => { leading = event.timeStamp + 1500; },
  "/": () => (document.getElementById("q") ?? document.getElementById("find"))?.focus(),
  "?": () => document.getElementById("help")?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest(typing) || document.querySelector("dialog[open]")) return;
  const follows = event.timeStamp < leading;
  leading = 0;
  if (follows) document.querySelector(`.nav a[data-key="${CSS.escape(event.key)}"]`)?.click();
  else if (keys[event.key]) keys[event.key](event);
  else if (!press(event.key)) return;
  event.preventDefault();
});
