// Hidden tabs do not poll. (htmx could filter its trigger, but only with eval.)
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.target.hasAttribute("data-poll")) event.preventDefault();
});

function toast(text, again) {
  const box = document.createElement("div");
  box.className = "toast";
  box.append(text);
  const button = document.createElement("button");
  button.textContent = again ? "Reload" : "Dismiss";
  button.addEventListener("click", () => (again ? location.reload() : box.remove()));
  box.append(button);
  const all = document.getElementById("toasts");
  all.replaceChildren(box);
}

document.addEventListener("htmx:responseError", (event) => {
  toast(`The server answered ${event.detail.xhr.status}. What you see may be out of date.`, true);
});
for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => toast("The server cannot be reached. What you see may be out of date.", true));
}
