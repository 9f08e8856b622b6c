// The stage: the drawn table with balls laid over it. Places are in inches on the table; a ball is an element
// of its own that only ever gets a transform, so the table beneath is never painted again.

const SVG = "http://www.w3.org/2000/svg";
const LEAVE_MS = 420;
const VIEW = 1.08; // a ball's picture reaches this far, in radii; see balls_svg.py

export function symbolOf(ball) {
  if (ball === "solid?" || ball === "stripe?") return `ball-${ball.slice(0, -1)}-unknown`;
  const id = `ball-${ball.split("-")[0]}`;
  return document.getElementById(id) && id !== "ball-ball" ? id : "ball-unknown";
}

export class Stage {
  constructor(root, table) {
    this.root = root;
    this.layer = root.querySelector(".balls");
    this.table = table;
    this.balls = new Map(); // name → {element, x, y, state}
    this.pxPerIn = 1;
    this.onresize = null;
    new ResizeObserver(() => this.measure()).observe(root);
    this.measure();
  }

  measure() {
    const { length_in: length, margin_in: margin } = this.table;
    this.pxPerIn = this.root.clientWidth / (length + 2 * margin);
    for (const ball of this.balls.values()) this.place(ball);
    if (this.onresize) this.onresize();
  }

  // A place on the table in pixels of the stage.
  toPx(x, y) {
    const { width_in: width, margin_in: margin } = this.table;
    return [(x + margin) * this.pxPerIn, (width - y + margin) * this.pxPerIn];
  }

  // Shows exactly these balls: Map(name → {x, y, state}). One that is gone sinks.
  show(balls) {
    for (const [name, at] of balls) {
      const ball = this.balls.get(name) || this.add(name);
      if (ball.x !== at.x || ball.y !== at.y) {
        ball.x = at.x;
        ball.y = at.y;
        this.place(ball);
      }
      if (ball.state !== at.state) {
        ball.state = at.state;
        ball.element.dataset.state = at.state;
      }
    }
    for (const name of this.balls.keys()) if (!balls.has(name)) this.remove(name);
  }

  add(name) {
    const element = document.createElement("div");
    element.className = "ball";
    element.dataset.ball = name;
    element.append(picture("ball-shadow", "shadow", 1.5), picture(symbolOf(name), "face", VIEW));
    this.layer.append(element);
    const ball = { element, x: NaN, y: NaN, state: "" };
    this.balls.set(name, ball);
    return ball;
  }

  remove(name) {
    const { element } = this.balls.get(name);
    this.balls.delete(name);
    element.classList.add("gone");
    delete element.dataset.ball;
    setTimeout(() => element.remove(), LEAVE_MS);
  }

  place(ball) {
    const [left, top] = this.toPx(ball.x, ball.y);
    const size = this.table.ball_diameter_in * this.pxPerIn;
    ball.element.style.width = ball.element.style.height = `${size.toFixed(2)}px`;
    ball.element.style.transform = `translate3d(${(left - size / 2).toFixed(2)}px, ${(top - size / 2).toFixed(2)}px, 0)`;
  }
}

function picture(symbol, name, reach) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `${-reach} ${-reach} ${2 * reach} ${2 * reach}`);
  svg.setAttribute("class", name);
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#${symbol}`);
  for (const [key, value] of [["x", -reach], ["y", -reach], ["width", 2 * reach], ["height", 2 * reach]])
    use.setAttribute(key, value);
  svg.append(use);
  return svg;
}
