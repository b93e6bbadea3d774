// Hidden tabs do not poll. (htmx could filter its trigger, but only with eval.)
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.target.hasAttribute("data-poll")) event.preventDefault();
});

for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => {
    const { status } = event.detail.xhr;
    const toast = document.getElementById("stale").content.cloneNode(true);
    toast.querySelector("strong").textContent = status ? `The server answered ${status}.` : "The server cannot be reached.";
    document.getElementById("toasts").replaceChildren(toast);
  });
}
