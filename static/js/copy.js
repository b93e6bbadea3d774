async function copy(text) {
  if (window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = Object.assign(document.createElement("textarea"), { value: text, className: "away" });
  document.body.append(area);
  area.select();
  document.execCommand("copy"); // the only way over plain HTTP
  area.remove();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest(".copy");
  if (!button) return;
  await copy(button.dataset.copy);
  button.classList.add("done");
  button.focus();
  document.getElementById("status").textContent = "Copied";
  setTimeout(() => button.classList.remove("done"), 1500);
});
