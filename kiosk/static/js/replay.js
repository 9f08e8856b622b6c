// The shot's page: the shot plays again along its ways, with a button and a scrubber.

import "./idle.js";
import { Stage } from "./stage.js";
import { Trails } from "./trails.js";

const SLOW = 0.3;
const BEFORE_S = 0.5; // the balls rest a moment before the shot and after it
const AFTER_S = 0.9;

const data = JSON.parse(document.getElementById("replay-data").textContent);
const stage = new Stage(document.getElementById("stage"), data.table);
const trails = new Trails(stage.root.querySelector(".trails"), stage);
const player = document.getElementById("player");
const end = data.duration_s + AFTER_S;

let moment = -BEFORE_S;
let playing = false;
let slow = false;
let before = 0;

// Where a ball with a way is at a moment, by halving.
function along(path, t) {
  if (t <= path[0][0]) return { x: path[0][1], y: path[0][2], state: "still" };
  const last = path[path.length - 1];
  if (t >= last[0]) return { x: last[1], y: last[2], state: "still" };
  let low = 0;
  let high = path.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (path[middle][0] <= t) low = middle;
    else high = middle;
  }
  const [t0, x0, y0] = path[low];
  const [t1, x1, y1] = path[high];
  const share = (t - t0) / (t1 - t0);
  const moves = Math.hypot(x1 - x0, y1 - y0) > 0.02;
  return { x: x0 + share * (x1 - x0), y: y0 + share * (y1 - y0), state: moves ? "moving" : "still" };
}

function ballsAt(t) {
  const balls = new Map();
  for (const [name, [x, y]] of Object.entries(data.layout)) balls.set(name, { x, y, state: "still" });
  for (const [name, path] of Object.entries(data.paths)) balls.set(name, along(path, t));
  for (const [name, at] of Object.entries(data.potted)) if (t >= at) balls.delete(name);
  return balls;
}

function draw(now) {
  const balls = ballsAt(moment);
  stage.show(balls);
  trails.draw(playing ? balls : new Map(), now);
  stage.root.dataset.moment = moment.toFixed(2);
}

function frame(nowMs) {
  const now = nowMs / 1000;
  if (playing) {
    moment = Math.min(end, moment + Math.min(0.1, now - before) * (slow ? SLOW : 1));
    if (moment >= end) play(false);
    showMoment();
  }
  before = now;
  draw(now);
  requestAnimationFrame(frame);
}

function showMoment() {
  const scrub = document.getElementById("scrub");
  const share = (moment + BEFORE_S) / (end + BEFORE_S);
  scrub.value = String(Math.round(1000 * share));
  scrub.style.setProperty("--share", `${(100 * share).toFixed(1)}%`);
  document.getElementById("moment").textContent = Math.max(0, Math.min(moment, data.duration_s)).toFixed(1);
}

function play(on) {
  if (on && moment >= end) {
    moment = -BEFORE_S;
    trails.clear();
  }
  playing = on;
  const button = document.getElementById("play");
  button.dataset.playing = String(on);
  button.setAttribute("aria-label", on ? button.dataset.pause : button.dataset.play);
}

function listen() {
  player.hidden = false;
  document.getElementById("play").addEventListener("click", () => play(!playing));
  document.getElementById("scrub").addEventListener("input", (event) => {
    play(false);
    moment = (event.target.value / 1000) * (end + BEFORE_S) - BEFORE_S;
    showMoment();
  });
  document.getElementById("slow").addEventListener("click", (event) => {
    slow = !slow;
    event.currentTarget.setAttribute("aria-pressed", String(slow));
  });
  stage.root.addEventListener("click", () => play(!playing));
}

if (player) {
  listen();
  showMoment();
  play(!window.matchMedia("(prefers-reduced-motion: reduce)").matches);
}
requestAnimationFrame(frame);
