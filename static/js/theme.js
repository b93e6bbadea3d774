// Without this the form posts and the page comes back in the new theme; with it nothing moves.
document.querySelector("form.theme")?.addEventListener("submit", async (event) => {
  const button = event.submitter;
  if (!button) return;
  event.preventDefault();
  const form = event.currentTarget;
  const body = new FormData(form, button);
  document.documentElement.dataset.theme = button.value;
  form.querySelectorAll("button").forEach((each) => each.setAttribute("aria-pressed", String(each === button)));
  await fetch(form.action, { method: "POST", body, redirect: "manual" });
});
