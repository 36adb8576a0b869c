// Fetch a secret when asked: copy it unseen, or show it for a while. It is never in the page before or after.

const holders = new Map(); // form -> { timer, until }

const part = (form, name) => form.querySelector(`[data-secret-${name}]`);
const parts = (form, name) => form.querySelectorAll(`[data-secret-${name}]`);

function say(form, text, failed = false) {
  const note = part(form, "note");
  note.textContent = text;
  note.classList.toggle("is-error", failed);
}

function clear(form, text = "") {
  clearInterval(holders.get(form)?.timer);
  holders.delete(form);
  for (const output of parts(form, "output")) {
    output.textContent = "";
    output.hidden = true;
  }
  part(form, "dots").hidden = false;
  part(form, "time").hidden = true;
  part(form, "hide").hidden = true;
  say(form, text);
}

function show(form, answer) {
  clear(form);
  for (const output of parts(form, "output")) {
    output.textContent = answer[output.dataset.secretOutput || "token"] ?? "";
    output.hidden = false;
  }
  const bar = part(form, "time");
  const seconds = answer.seconds ?? 60;
  const until = Date.now() + seconds * 1000;
  bar.max = seconds;
  bar.value = seconds;
  bar.hidden = false;
  part(form, "dots").hidden = true;
  part(form, "hide").hidden = false;
  say(form, `Shown for ${seconds} seconds, recorded`);
  const timer = setInterval(() => {
    bar.value = Math.max(0, (until - Date.now()) / 1000);
    if (Date.now() >= until) clear(form, "Hidden again");
  }, 250);
  holders.set(form, { timer });
}

async function ask(form, button) {
  const response = await fetch(form.action, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new FormData(form, button),
    cache: "no-store",
    redirect: "manual", // a redirect is the sign-in page, not an answer
  });
  if (response.type === "opaqueredirect") throw new Error("Your session has ended. Reload the page and sign in.");
  const answer = await response.json().catch(() => ({}));
  // The page asks who it is, and leads back here.
  if (answer.confirm) location.assign(answer.confirm);
  if (!response.ok) throw new Error(answer.error ?? `The server answered ${response.status}. Nothing was shown.`);
  return answer;
}

async function copy(form, button) {
  if (!navigator.clipboard) throw new Error("This browser copies only on https addresses. Use Reveal.");
  const text = ask(form, button).then((answer) => answer[button.dataset.secretPart || "token"]);
  text.catch(() => {}); // reported once, by the await below
  // The promise goes in at once: some browsers allow the clipboard only during the click itself.
  const early = window.ClipboardItem
    ? navigator.clipboard
        .write([new ClipboardItem({ "text/plain": text.then((t) => new Blob([t], { type: "text/plain" })) })])
        .then(() => true, () => false)
    : Promise.resolve(false);
  const value = await text;
  if (!(await early)) await navigator.clipboard.writeText(value);
  clear(form, "Copied, recorded");
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  if (!form.matches("[data-secret-form]") || !button) return;
  event.preventDefault();
  if (form.ariaBusy === "true") return;
  form.ariaBusy = "true";
  try {
    if (button.value === "copy") await copy(form, button);
    else show(form, await ask(form, button));
  } catch (error) {
    clear(form);
    say(form, error.message, true);
  } finally {
    form.ariaBusy = "false";
  }
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-secret-hide]");
  if (!button) return;
  clear(button.form, "Hidden again");
  button.form.querySelector("[value=reveal]")?.focus();
});

const clearAll = () => [...holders.keys()].forEach((form) => clear(form, "Hidden because you left the page"));
addEventListener("pagehide", clearAll);
document.addEventListener("visibilitychange", () => document.hidden && clearAll());
