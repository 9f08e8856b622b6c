// Left alone, every page goes back to the live table, and the live table to its latest shot; while the box does not answer it stays and tries again.

const RETRY_MS = 5000;
let timer = 0;

function touched() {
  clearTimeout(timer);
  timer = setTimeout(goHome, Number(document.body.dataset.idleS) * 1000);
}

async function goHome() {
  if (document.body.dataset.page === "live") {
    document.getElementById("cards").scrollTo({ top: 0, behavior: "smooth" });
    window.scrollTo({ top: 0, behavior: "smooth" });
    return;
  }
  try {
    await fetch("/api/live", { cache: "no-store" });
    window.location.assign("/");
  } catch {
    timer = setTimeout(goHome, RETRY_MS);
  }
}

for (const name of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"])
  window.addEventListener(name, touched, { passive: true });
touched();
