// A passkey is the browser's to make and to show: its answer goes with the form. Where it cannot, the page says why.
const form = document.querySelector("form[data-passkey]");
const said = form.querySelector("[role=alert]");
const WORDS = {
  NotAllowedError: "Nothing was shown: it was cancelled, or took too long. Try again.",
  InvalidStateError: "This device holds a passkey of this account already.",
};

async function options() {
  if (form.dataset.options) return JSON.parse(form.dataset.options);
  const response = await fetch(form.action);
  if (!response.ok) throw new Error(`The server answered ${response.status}. Wait a minute, and try again.`);
  return response.json();
}

async function answer() {
  const asked = await options();
  if (form.dataset.passkey === "create") {
    return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked) });
  }
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked) });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  said.hidden = true;
  button.disabled = true;
  try {
    form.elements.credential.value = JSON.stringify(await answer());
    form.submit();
  } catch (problem) {
    said.textContent = WORDS[problem.name] ?? problem.message;
    said.hidden = false;
  }
  button.disabled = false;
});

if (window.PublicKeyCredential?.parseCreationOptionsFromJSON && location.origin === form.dataset.origin) {
  form.hidden = false;
  document.querySelector("[data-no-passkey]").hidden = true;
}
