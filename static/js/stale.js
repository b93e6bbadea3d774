// A preview of settings that were changed since must not pass for one of those on the screen.
document.addEventListener("change", (event) => {
  event.target.form?.querySelector("[data-stale]")?.removeAttribute("hidden");
});
