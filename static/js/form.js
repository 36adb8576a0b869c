// Forms: show the group that the chosen value needs, and send once.

function arrange() {
  for (const group of document.querySelectorAll("[data-shows-when]")) {
    const [name, value] = group.dataset.showsWhen.split("=");
    const form = group.closest("form");
    const counts = new FormData(form).getAll(name).includes(value);
    group.hidden = !counts;
    group.disabled = !counts; // a disabled fieldset neither sends nor validates what is in it
  }
}

function release(form) {
  for (const button of form.querySelectorAll("button[aria-disabled]")) {
    button.removeAttribute("aria-disabled");
    button.textContent = button.dataset.label;
  }
  delete form.dataset.sent;
}

document.addEventListener("change", arrange);
document.addEventListener("htmx:load", arrange);
arrange();

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.matches("[data-secret-form], [hx-post]")) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  const button = event.submitter;
  if (!button) return;
  button.dataset.label = button.textContent;
  button.setAttribute("aria-disabled", "true");
  button.textContent = button.dataset.sending ?? "Sending…";
});

// The back button can bring back a page as it was left, in the middle of sending.
addEventListener("pageshow", () => {
  arrange();
  document.querySelectorAll("form[data-sent]").forEach(release);
});
