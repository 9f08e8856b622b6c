// The screen's side of checking in by phone: shows a code, shows another before it is over, and goes on by itself
// when a phone has answered.

const LOOK_MS = 700;
const RENEW_MS = 4 * 60_000; // less than half of what a code lives: the one before is still good for as long
const RETRY_MS = 5000;
const TYPING_MS = 5000; // whoever types at the screen is not interrupted by a phone

const root = document.getElementById("by-phone");
const form = root.querySelector("form");
const place = root.querySelector(".code-place");
const field = document.getElementById("name");
let codes = []; // that a phone may answer: the one to be seen, and the one before
let renewedAt = 0;
let typedAt = 0;
let gone = false; // on to the next page

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function renew() {
  const answer = await fetch(root.dataset.make, { method: "POST", body: new FormData(form) });
  root.hidden = !answer.ok;
  if (!answer.ok) return false;
  place.innerHTML = await answer.text();
  const { code, stub } = place.firstElementChild.dataset;
  codes.unshift({ code, stub });
  drop(codes.splice(2).flatMap(tokens));
  renewedAt = Date.now();
  return true;
}

const tokens = ({ code, stub }) => [code, stub];

// What nobody is to use any more.
function drop(old) {
  if (old.length === 0) return;
  const told = new FormData();
  told.append("csrf", form.elements.csrf.value);
  for (const token of old) told.append("token", token);
  navigator.sendBeacon(root.dataset.drop, told);
}

async function look() {
  const asked = new URLSearchParams(codes.map(({ code }) => ["code", code]));
  const answer = await fetch(`${root.dataset.state}?${asked}`, { cache: "no-store", headers: { Accept: "application/json" } });
  return answer.ok ? answer.json() : { stage: "waiting" };
}

function goOn(answer) {
  const ours = codes.find(({ code }) => code === answer.code);
  codes = codes.filter((one) => one !== ours);
  if (answer.stage === "opened") {
    drop([ours.stub]);
    window.location.assign(answer.go);
  } else {
    form.elements.code.value = ours.code;
    form.elements.stub.value = ours.stub;
    form.submit();
  }
  gone = true;
}

const typing = () => field !== null && field.value !== "" && Date.now() - typedAt < TYPING_MS;

async function step() {
  if (document.hidden) return LOOK_MS;
  if ((codes.length === 0 || Date.now() - renewedAt > RENEW_MS) && !(await renew())) return RETRY_MS;
  const answer = await look();
  if (answer.stage === "gone") codes = [];
  else if (answer.stage !== "waiting" && !typing()) goOn(answer);
  return LOOK_MS;
}

async function watch() {
  while (!gone) {
    const waitMs = await step().catch(() => RETRY_MS);
    if (!gone) await pause(waitMs);
  }
}

if (field !== null) field.addEventListener("input", () => { typedAt = Date.now(); });
window.addEventListener("pagehide", () => {
  gone = true;
  drop(codes.flatMap(tokens));
});
// Back from the page after it, as it was left.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});
watch();
