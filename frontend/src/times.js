// Ages that tick. The server writes the moment; the browser says how long ago it was, by the server's clock.
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

// A shift computer's clock may be minutes off: the page brings the server's time along.
const ahead = Number(document.documentElement.dataset.now) - Date.now() / 1000 || 0;

export const serverNow = () => Date.now() / 1000 + ahead;

export function span(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 2 * MINUTE) return `${s} s`;
  if (s < 2 * HOUR) return `${Math.floor(s / MINUTE)} min`;
  if (s < 2 * DAY) return `${Math.floor(s / HOUR)} h`;
  return `${Math.floor(s / DAY)} d`;
}

export function tick(root = document) {
  const now = serverNow();
  for (const element of root.querySelectorAll("time[data-since]")) {
    const age = span(now - Number(element.dataset.since));
    const text = element.dataset.form === "span" ? age : `${age} ago`;
    if (element.textContent !== text) element.textContent = text;
  }
}

export function startTimes() {
  tick();
  setInterval(tick, 1000);
  // At once after a part was refreshed, before it is painted.
  document.addEventListener("htmx:afterSwap", () => tick());
}
