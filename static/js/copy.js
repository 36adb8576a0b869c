// Copy the text of [data-copy-text], or of the element [data-copy-target] names, and say so.

async function write(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Plain http on a local network has no clipboard object.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("The browser refused to copy.");
}

function tick(button) {
  const use = button.querySelector("use");
  if (!use || button.classList.contains("is-copied")) return;
  const before = use.getAttribute("href");
  button.classList.add("is-copied");
  use.setAttribute("href", before.replace(/#.*/, "#check"));
  setTimeout(() => {
    use.setAttribute("href", before);
    button.classList.remove("is-copied");
  }, 1200);
}

function announce(text) {
  const place = document.getElementById("announcer");
  if (!place) return;
  place.textContent = "";
  setTimeout(() => (place.textContent = text), 50);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy-text], [data-copy-target]");
  if (!button) return;
  event.preventDefault();
  const { copyTarget } = button.dataset;
  const target = copyTarget && document.querySelector(copyTarget);
  const text = button.dataset.copyText ?? target?.value ?? target?.textContent.trim();
  try {
    await write(text);
    tick(button);
    announce("Copied");
  } catch {
    announce("Copying failed");
  }
});
