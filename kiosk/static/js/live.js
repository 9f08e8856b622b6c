// The live page: states in, balls on the table.

import { welcome } from "./cards.js";
import "./idle.js";
import { Motion } from "./motion.js";
import { Stage } from "./stage.js";
import { openStream, reloadIfThere } from "./stream.js";
import { Trails } from "./trails.js";

const table = JSON.parse(document.getElementById("table-data").textContent);
const stage = new Stage(document.getElementById("stage"), table);
const trails = new Trails(stage.root.querySelector(".trails"), stage);
const motion = new Motion();
const list = document.getElementById("cards");
const status = document.getElementById("status");
const offline = document.getElementById("offline");

const SEAT_MS = 700;
let seatTimer = 0;

const clock = () => performance.now() / 1000;

const root = document.querySelector(".live-page");

openStream({
  root,
  onLive(state) {
    if (isAnotherTable(state)) {
      reloadIfThere();
      return;
    }
    // When a recording has ended its last position stays to be looked at.
    if (state.status !== "ended") motion.push(state, clock());
    stage.root.dataset.phase = state.phase;
  },
  onCard: (html) => list !== null && welcome(list, html),
  // Somebody else sits at the table, or nobody any more: the page is another one. What the stream says first may be
  // older than the page.
  onSeat(seat) {
    clearTimeout(seatTimer);
    const another = ["attract", "play"].includes(document.body.dataset.page) && seat !== root.dataset.seat;
    if (another) seatTimer = setTimeout(reloadIfThere, SEAT_MS);
  },
  onLost(lost) {
    status.hidden = lost;
    offline.hidden = !lost;
  },
});

// The page was drawn for one table and one set of balls; another one needs another page.
function isAnotherTable(state) {
  const seen = state.table;
  return Boolean(
    seen &&
      (Math.abs(seen.length_in - table.length_in) > 0.01 ||
        Math.abs(seen.width_in - table.width_in) > 0.01 ||
        (state.ball_set || "american") !== table.ball_set),
  );
}

function frame() {
  const now = clock();
  const balls = motion.at(now);
  stage.show(balls);
  trails.draw(balls, now);
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);
