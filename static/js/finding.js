// Single keys for one finding; they only work where nobody is typing (WCAG 2.1.4).
const typing = (target) => target.closest("input, select, textarea, [contenteditable]") !== null;
const beside = { "[": "a[rel=prev]", "]": "a[rel=next]" };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
  const found = document.querySelector(beside[event.key] ?? `#finding [data-shortcut="${CSS.escape(event.key)}"]`);
  if (!found) return;
  event.preventDefault();
  if (found.matches("input, select, textarea")) found.focus();
  else if (found.matches("a")) found.click();
  else found.focus(); // what changes something is pressed by a second key
});
