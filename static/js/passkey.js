// Passkeys: the browser makes one, or signs what the page asks; the form around carries the answer.

const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const listed = (credentials = []) => credentials.map((one) => ({ ...one, id: bytes(one.id) }));

function question(asked) {
  const options = { ...asked, challenge: bytes(asked.challenge) };
  if (asked.user) options.user = { ...asked.user, id: bytes(asked.user.id) };
  if (asked.excludeCredentials) options.excludeCredentials = listed(asked.excludeCredentials);
  if (asked.allowCredentials) options.allowCredentials = listed(asked.allowCredentials);
  return { publicKey: options };
}

function answer({ id, rawId, type, response }) {
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const held = parts.filter((part) => response[part]).map((part) => [part, text(response[part])]);
  return JSON.stringify({ id, rawId: text(rawId), type, response: Object.fromEntries(held), clientExtensionResults: {} });
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-passkey]");
  if (!button) return;
  const { form } = button;
  const note = form.querySelector("[data-passkey-note]");
  const name = form.elements.namedItem("name");
  if (name && !name.reportValidity()) return;
  note.classList.remove("is-error");
  note.textContent = "Follow your browser…";
  try {
    if (!navigator.credentials) throw new Error("This browser offers passkeys only on https addresses.");
    const made = await navigator.credentials[button.dataset.passkey](question(JSON.parse(button.dataset.asked)));
    form.elements.namedItem("credential").value = answer(made);
    form.submit(); // as it is: a code beside it may be missing
  } catch (error) {
    note.classList.add("is-error");
    note.textContent =
      error.name === "NotAllowedError" ? "Nothing was shown in time, or you closed it. Try again." : error.message;
  }
});
