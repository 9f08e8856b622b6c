// Trails: what a ball leaves on the cloth for a moment while it moves.

const LASTS_S = 0.9;
const STEP_IN = 0.35;

export class Trails {
  constructor(canvas, stage) {
    this.canvas = canvas;
    this.stage = stage;
    this.trails = new Map(); // name → [[x, y, at], …]
    this.clean = true;
    stage.onresize = () => this.fit();
    this.fit();
  }

  fit() {
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    this.canvas.width = Math.round(this.stage.root.clientWidth * ratio);
    this.canvas.height = Math.round(this.stage.root.clientHeight * ratio);
    this.pen = this.canvas.getContext("2d");
    this.pen.scale(ratio, ratio);
  }

  clear() {
    this.trails.clear();
  }

  // Notes where the balls are and draws what still shows; nothing is drawn while nothing moves.
  draw(balls, now) {
    for (const [name, at] of balls) this.note(name, at, now);
    for (const [name, trail] of this.trails) {
      while (trail.length && now - trail[0][2] > LASTS_S) trail.shift();
      if (!trail.length) this.trails.delete(name);
    }
    if (!this.trails.size && this.clean) return;
    this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (const [name, trail] of this.trails) this.stroke(name, trail, now);
    this.clean = !this.trails.size;
  }

  note(name, at, now) {
    if (at.state !== "moving") return;
    const trail = this.trails.get(name) || [];
    const last = trail[trail.length - 1];
    if (last && Math.hypot(at.x - last[0], at.y - last[1]) < STEP_IN) return;
    if (last && Math.hypot(at.x - last[0], at.y - last[1]) > 14) trail.length = 0;
    trail.push([at.x, at.y, now]);
    this.trails.set(name, trail);
  }

  stroke(name, trail, now) {
    const wide = this.stage.table.ball_diameter_in * this.stage.pxPerIn;
    this.pen.lineCap = "butt";
    for (let i = 1; i < trail.length; i += 1) {
      const fresh = 1 - (now - trail[i][2]) / LASTS_S;
      this.pen.strokeStyle = `rgba(255, 255, 255, ${(0.34 * fresh * fresh * (name === "cue" ? 1.25 : 0.8)).toFixed(3)})`;
      this.pen.lineWidth = Math.max(1, wide * 0.62 * fresh);
      this.pen.beginPath();
      this.pen.moveTo(...this.stage.toPx(trail[i - 1][0], trail[i - 1][1]));
      this.pen.lineTo(...this.stage.toPx(trail[i][0], trail[i][1]));
      this.pen.stroke();
    }
  }
}
