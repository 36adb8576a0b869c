// Live parts: rest while the tab is hidden, and notice when the session has ended.

document.addEventListener("htmx:beforeRequest", (event) => {
  const isPoll = !event.detail.requestConfig.triggeringEvent;
  if (isPoll && document.hidden) event.preventDefault();
});

// Polling after sign-out is answered with the sign-in page, which has no place inside a row.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, pathInfo, requestConfig } = event.detail;
  if (requestConfig.verb !== "get") return;
  const answered = new URL(xhr.responseURL, location.href).pathname;
  const asked = new URL(pathInfo.requestPath, location.href).pathname;
  if (answered === asked) return;
  event.detail.shouldSwap = false;
  location.reload();
});
