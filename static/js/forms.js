// Settings of other starters stand aside and are not sent; without this all are shown and the server says what does not fit.
function sort() {
  for (const part of document.querySelectorAll("form.what-if [data-for]")) {
    const by = new FormData(part.form).get("by");
    part.hidden = part.disabled = !part.dataset.for.split(" ").includes(by) && !part.querySelector(".errors");
  }
}

document.addEventListener("change", (event) => {
  // A preview of settings that were changed since must not pass for one of those on the screen.
  event.target.form?.querySelector("[data-stale]")?.removeAttribute("hidden");
  sort();
});
document.addEventListener("htmx:afterSwap", sort);
sort();
