// The steps of a connection test are shown as they come: the answer so far, as far as it reads as HTML.
document.addEventListener("htmx:beforeRequest", ({ detail: { xhr, target } }) => {
  if (target?.id !== "ladder") return;
  xhr.addEventListener("progress", () => {
    const start = xhr.responseText.indexOf("<ol");
    if (start < 0 || xhr.status !== 200) return;
    const rest = xhr.responseText.slice(start);
    target.querySelector("ol, .quiet:not(.working), .problem, .climb")?.remove();
    target.querySelector(".body").insertAdjacentHTML("beforeend", rest.slice(0, rest.lastIndexOf("</li>") + 5));
  });
});
