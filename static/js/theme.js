// Colour scheme: system, light or dark. A blocking script, so that the first paint is already right.
(() => {
  const order = ["system", "light", "dark"];
  const root = document.documentElement;
  const saved = () => {
    try {
      return localStorage.getItem("theme") ?? "system";
    } catch {
      return "system"; // storage can be forbidden by policy
    }
  };
  const apply = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };

  apply(saved());
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-button]")) return;
    const next = order[(order.indexOf(root.dataset.theme ?? "system") + 1) % order.length];
    apply(next);
    try {
      localStorage.setItem("theme", next);
    } catch {
      // The choice then lasts as long as the page.
    }
  });
})();
