// The buttons stay hidden until there is something that can copy.
const show = (root) => root.querySelectorAll?.(".copy[hidden]").forEach((button) => { button.hidden = false; });

async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "away";
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
document.addEventListener("htmx:afterSwap", () => show(document));
show(document);
