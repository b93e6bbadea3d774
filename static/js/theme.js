// Without this the form posts and the page comes back in the new theme; with it nothing moves.
document.querySelector("form.theme").addEventListener("submit", ({ currentTarget, submitter }) => {
  document.documentElement.dataset.theme = submitter.value;
  currentTarget.querySelectorAll("button").forEach((each) => each.setAttribute("aria-pressed", each === submitter));
});
