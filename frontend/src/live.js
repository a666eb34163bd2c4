// One event stream a page. The server says *what* changed (topics); the parts of the page that show it refetch.
import htmx from "htmx.org";

import { serverNow } from "./times.js";

const TOPICS = ["jobs", "pilots", "datasets", "results", "workflows"];
// The first change is shown at once; what follows so soon comes together. Pages share a machine with the broker.
const SHORTEST_PAUSE = 800;
// Some things change by the mere passing of time (a pilot falls silent), and a dead stream may look alive.
const BACK_STOP = 15_000;
const RECONNECT = 3_000;

const parts = new WeakMap();
let source = null;
let lostAt = null;

function partState(element) {
  if (!parts.has(element)) parts.set(element, { timer: null, began: 0, next: 0 });
  return parts.get(element);
}

// Now if the last refresh is long enough ago, else once, later: the last change is never missed.
function refresh(element) {
  const state = partState(element);
  if (state.timer !== null || document.hidden) return;
  state.timer = setTimeout(() => {
    state.timer = null;
    state.began = performance.now();
    state.next = state.began + SHORTEST_PAUSE;
    htmx.trigger(element, "p3s:refresh");
  }, Math.max(0, state.next - performance.now()));
}

function refreshTopics(topics) {
  for (const topic of topics) document.body.dispatchEvent(new CustomEvent(`p3s:${topic}`));
  for (const element of document.querySelectorAll("[data-live]")) {
    if (element.dataset.live.split(" ").some((topic) => topics.includes(topic))) refresh(element);
  }
}

const refreshAll = () => refreshTopics(TOPICS);

function show(state, text) {
  const indicator = document.getElementById("connection");
  if (!indicator) return;
  indicator.dataset.state = state;
  indicator.replaceChildren(text);
}

function connected() {
  const wasLost = lostAt !== null;
  lostAt = null;
  show("live", "live");
  if (wasLost) refreshAll();
}

function lost() {
  if (lostAt !== null) return;
  lostAt = serverNow();
  const since = document.createElement("time");
  since.dataset.since = String(lostAt);
  since.dataset.form = "span";
  since.textContent = "0 s";
  const words = document.createElement("span");
  words.append("no connection for ", since, ", retrying");
  show("lost", words);
}

function changed(event) {
  let topics;
  try {
    ({ topics } = JSON.parse(event.data));
  } catch {
    topics = TOPICS; // an unreadable message still says that something happened
  }
  refreshTopics(Array.isArray(topics) ? topics : TOPICS);
}

function connect(url) {
  source = new EventSource(url);
  source.addEventListener("open", connected);
  source.addEventListener("changed", changed);
  source.addEventListener("error", () => {
    lost();
    // The browser retries by itself, except after an HTTP error.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => connect(url), RECONNECT);
  });
}

export function startLive() {
  const url = document.body.dataset.liveUrl;
  if (!url) return;
  connect(url);
  setInterval(refreshAll, BACK_STOP);
  document.addEventListener("visibilitychange", () => document.hidden || refreshAll());
  document.addEventListener("htmx:sendError", lost);
  // A slow server is asked less often: the pause is three times what its last answer took.
  document.addEventListener("htmx:afterRequest", (event) => {
    const state = parts.get(event.detail.elt);
    if (!state) return;
    const took = performance.now() - state.began;
    state.next = state.began + Math.max(SHORTEST_PAUSE, 4 * took);
    // The server answers again, but the stream may be waiting for its retry: connect now.
    if (event.detail.successful && lostAt !== null && source.readyState !== EventSource.OPEN) {
      source.close();
      connect(url);
    }
  });
  // Otherwise a browser keeps the stream of a left page open and runs out of connections.
  window.addEventListener("pagehide", () => source.close());
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    connect(url);
    refreshAll();
  });
}
