// On a phone: one tap is one tap, and the page that waits for the table goes on by itself.

const LOOK_MS = 1000;
const PATIENCE_MS = 5000;

for (const form of document.querySelectorAll("form"))
  form.addEventListener("submit", () => {
    for (const button of form.querySelectorAll("button")) button.disabled = true;
  });
// Back to a page that was left: its button is to be tapped again.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});

const pairing = document.getElementById("pair-form");

async function look() {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
  try {
    const answer = await fetch(pairing.dataset.state, { cache: "no-store", headers: { Accept: "application/json" }, signal: stop.signal });
    const { stage } = answer.ok ? await answer.json() : { stage: "waiting" };
    if (stage === "ready") pairing.submit();
    else if (stage === "gone") window.location.reload();
    else setTimeout(look, LOOK_MS);
  } catch {
    setTimeout(look, LOOK_MS); // the phone slept, or left the network for a moment
  } finally {
    clearTimeout(timer);
  }
}

if (pairing !== null) look();
