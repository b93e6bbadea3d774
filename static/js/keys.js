// Single keys only work where nobody is typing (WCAG 2.1.4).
let leading = false;
const typing = (target) => target.closest("input, select, textarea, [contenteditable]") !== null;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (leading) {
    leading = false;
    document.querySelector(`.nav a[data-key="${CSS.escape(event.key)}"]`)?.click();
  } else if (event.key === "g") {
    leading = true;
    setTimeout(() => { leading = false; }, 1500);
  } else if (event.key === "/") {
    event.preventDefault();
    (document.getElementById("q") ?? document.getElementById("find"))?.focus();
  }
});
