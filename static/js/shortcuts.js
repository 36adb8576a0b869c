// Keys: "/" puts the cursor into the search box, "n" follows [data-shortcut=n].

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const target =
    event.key === "/"
      ? document.querySelector("input[type=search]")
      : document.querySelector(`[data-shortcut="${CSS.escape(event.key)}"]`);
  if (!target) return;
  event.preventDefault();
  if (event.key === "/") target.select(), target.focus();
  else target.click();
});
