// Settings of other starters stand aside and are not sent; without this all are shown and the server says what does not fit.
function sort() {
  for (const form of document.querySelectorAll("form.what-if")) {
    const by = new FormData(form).get("by");
    for (const part of form.querySelectorAll("[data-for]")) {
      part.hidden = !part.dataset.for.split(" ").includes(by) && !part.querySelector(".errors");
      part.disabled = part.hidden;
    }
  }
}
document.addEventListener("change", (event) => { if (event.target.name === "by") sort(); });
document.addEventListener("htmx:afterSwap", sort);
sort();
