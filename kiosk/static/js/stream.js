// The stream: htmx's extension swaps the fragments, this module hands on the states, keeps the place for a
// reconnect, drops a card that is there already, and notices a line that has gone dead.

const QUIET_MS = 13000; // the server says something every five seconds
const LOST_AFTER_MS = 1500;
const RELOAD_MS = 8000; // never more often: a page that reloads for ever shows nothing

export function openStream({ root, onLive, onCard, onSeat, onLost }) {
  let lastId = root.dataset.after || "";
  let heard = performance.now();
  let lostTimer = 0;

  const back = () => {
    heard = performance.now();
    clearTimeout(lostTimer);
    lostTimer = 0;
    onLost(false);
  };
  const gone = () => {
    if (!lostTimer) lostTimer = setTimeout(() => onLost(true), LOST_AFTER_MS);
  };

  window.htmx.createEventSource = (url) => {
    const source = new EventSource(lastId ? `${url}?after=${encodeURIComponent(lastId)}` : url);
    source.addEventListener("open", back);
    source.addEventListener("error", gone);
    source.addEventListener("beat", back);
    source.addEventListener("hello", (event) => renewed(JSON.parse(event.data).version));
    source.addEventListener("seat", (event) => onSeat(event.data));
    source.addEventListener("shot", (event) => {
      lastId = event.lastEventId;
    });
    source.addEventListener("live", (event) => {
      if (performance.now() - heard > 1000 || lostTimer) back();
      heard = performance.now();
      onLive(JSON.parse(event.data));
    });
    return source;
  };

  root.addEventListener("htmx:sseBeforeMessage", (event) => {
    if (event.detail.type === "shot" && !onCard(event.detail.data)) event.preventDefault();
  });
  root.addEventListener("htmx:sseError", gone);

  setInterval(() => {
    if (performance.now() - heard > QUIET_MS) reloadIfThere();
  }, 3000);
}

// Another version answers now: its page is another one too.
function renewed(version) {
  if (!document.querySelector("script[src]").src.includes(`/static/${version}/`)) reloadIfThere();
}

let reloading = false;

// Reloads, but never into a browser's error page: only once the box answers.
export async function reloadIfThere() {
  const last = Number(sessionStorage.getItem("reloaded") || 0);
  if (reloading || Date.now() - last < RELOAD_MS) return;
  reloading = true;
  try {
    await fetch("/api/live", { cache: "no-store", signal: AbortSignal.timeout(4000) });
    sessionStorage.setItem("reloaded", String(Date.now()));
    window.location.reload();
  } catch {
    reloading = false;
  }
}
