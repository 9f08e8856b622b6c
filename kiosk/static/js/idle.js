// Left alone, every page goes back to the table, and who was checked in at the screen is checked out of it. Before
// that it counts down, so that whoever is still reading can say so. While the box does not answer it stays and
// tries again.

const RETRY_MS = 5000;
const WARN_S = 15;
const TABLE_PAGES = ["attract", "play"]; // where everything comes back to: nothing to warn of

const page = document.body.dataset.page;
const idleS = Number(document.body.dataset.idleS);
const dialog = document.getElementById("idle");
const leave = document.getElementById("leave-form");
let left = idleS;
let timer = 0;

function touched() {
  left = idleS;
  if (dialog.open) dialog.close();
}

function tick() {
  left -= 1;
  if (!TABLE_PAGES.includes(page) && left <= Math.min(WARN_S, idleS / 2)) {
    if (!dialog.open) dialog.showModal();
    document.getElementById("idle-left").textContent = String(Math.max(0, left));
  }
  if (left <= 0) {
    clearInterval(timer);
    goHome();
  }
}

async function goHome() {
  if (TABLE_PAGES.includes(page) && !leave) {
    const cards = document.getElementById("cards");
    if (cards) cards.scrollTo({ top: 0, behavior: "smooth" });
    window.scrollTo({ top: 0, behavior: "smooth" });
    begin();
    return;
  }
  try {
    await fetch("/api/live", { cache: "no-store" });
    if (leave) leave.submit();
    else window.location.assign("/");
  } catch {
    setTimeout(goHome, RETRY_MS);
  }
}

function begin() {
  left = idleS;
  timer = setInterval(tick, 1000);
}

// The phone in a player's hand is the player's: nobody else reads it when it is laid down.
if (document.body.dataset.screen === "yes") {
  for (const name of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"])
    window.addEventListener(name, touched, { passive: true });
  begin();
}
