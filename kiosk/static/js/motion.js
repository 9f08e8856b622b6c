// Smooth motion from live states: they come 10 to 30 times a second and not evenly, the screen wants 60.
// What is shown lies a little in the past, so that there is nearly always a later state to move towards.

const DELAY_MIN_S = 0.07;
const DELAY_MAX_S = 0.35;
const JUMP_IN = 14; // further between two states is another ball by the same name, not a motion
const KEPT = 24;

export class Motion {
  constructor() {
    this.states = []; // {at, balls: Map(name → {x, y, state})}, oldest first
    this.delay = 0.15;
    this.offset = null; // local clock minus the source's clock
    this.source = null;
  }

  // Takes a state; `now` is the local clock in seconds.
  push(state, now) {
    const again = this.states.length && state.source_id === this.source && state.t_s === this.last().at;
    if (again && state.balls.length) return; // vision says the same again while it has no new frame
    if (state.source_id !== this.source || (this.states.length && state.t_s <= this.last().at)) {
      this.states = [];
      this.offset = null;
      this.source = state.source_id;
    }
    this.tune(now - state.t_s, state.t_s);
    const balls = new Map(state.balls.map((b) => [b.ball, { x: b.x_in, y: b.y_in, state: b.state }]));
    this.states.push({ at: state.t_s, balls });
    if (this.states.length > KEPT) this.states.shift();
  }

  last() {
    return this.states[this.states.length - 1];
  }

  // Follows the source's clock: at once when it is ahead of us, slowly otherwise. The delay follows the
  // states' spacing and how late the late ones are.
  tune(offset, at) {
    if (this.offset === null || Math.abs(offset - this.offset) > 2) {
      this.offset = offset;
      return;
    }
    const late = Math.max(0, offset - this.offset);
    this.offset += offset < this.offset ? offset - this.offset : late * 0.02;
    const spacing = this.states.length ? at - this.last().at : 0.1;
    const wanted = Math.min(DELAY_MAX_S, Math.max(DELAY_MIN_S, spacing * 1.3 + late));
    this.delay += (wanted - this.delay) * (wanted > this.delay ? 0.5 : 0.02);
  }

  // Where the balls are on the screen now: Map(name → {x, y, state}).
  at(now) {
    if (!this.states.length) return new Map();
    const t = now - this.offset - this.delay;
    let i = this.states.length - 1;
    while (i > 0 && this.states[i].at > t) i -= 1;
    const from = this.states[i];
    const to = this.states[i + 1];
    if (!to || t <= from.at) return from.balls;
    return between(from, to, (t - from.at) / (to.at - from.at));
  }
}

function between(from, to, share) {
  const shown = new Map();
  for (const [name, a] of from.balls) {
    const b = to.balls.get(name);
    if (!b) {
      if (share < 0.5) shown.set(name, a);
      continue;
    }
    const dx = b.x - a.x;
    const dy = b.y - a.y;
    const still = Math.hypot(dx, dy) > JUMP_IN;
    shown.set(name, still ? b : { x: a.x + share * dx, y: a.y + share * dy, state: b.state });
  }
  for (const [name, b] of to.balls) if (!from.balls.has(name) && share >= 0.5) shown.set(name, b);
  return shown;
}
