// The on-screen keyboard and the pin pad: large keys that write into a field, as a real keyboard does too.

const ROWS = ["1234567890", "qwertyuiop", "asdfghjkl'", "zxcvbnm-."];
const MARKS = { "⌫": "back", "␣": "space" };

// Writes into a field and tells its listeners, as typing would.
function type(field, value) {
  const most = field.maxLength > 0 ? field.maxLength : 64;
  field.value = value.slice(0, most);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function key(text, label, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "key";
  button.textContent = text;
  if (label) button.setAttribute("aria-label", label);
  button.addEventListener("click", act);
  return button;
}

// A letter at a name's beginning, or at a part's, is a capital.
function cased(before, letter) {
  return before === "" || /[\s'.-]$/.test(before) ? letter.toUpperCase() : letter;
}

function buildKeyboard(root) {
  const field = document.getElementById(root.dataset.for);
  for (const letters of ROWS) {
    const row = document.createElement("div");
    row.className = "keys";
    for (const letter of letters) row.append(key(letter.toUpperCase(), "", () => type(field, field.value + cased(field.value, letter))));
    root.append(row);
  }
  const last = document.createElement("div");
  last.className = "keys last";
  const space = key("", root.dataset.space, () => type(field, `${field.value} `));
  space.classList.add(MARKS["␣"]);
  const back = key("⌫", root.dataset.back, () => type(field, field.value.slice(0, -1)));
  back.classList.add(MARKS["⌫"]);
  last.append(space, back);
  root.append(last);
}

function buildPad(root) {
  const field = document.getElementById(root.dataset.for);
  const dots = document.getElementById(root.dataset.dots);
  const submit = root.closest("form").querySelector("[type=submit]");
  const least = Number(field.minLength) || 4;
  const show = () => {
    dots.textContent = "●".repeat(field.value.length) + "○".repeat(Math.max(0, least - field.value.length));
    submit.disabled = field.value.length < least;
  };
  for (const digit of "123456789") root.append(key(digit, "", () => type(field, field.value + digit)));
  const clear = key("⌫", root.dataset.back, () => type(field, field.value.slice(0, -1)));
  clear.classList.add("quiet");
  submit.classList.add("key");
  root.append(clear, key("0", "", () => type(field, `${field.value}0`)), submit);
  field.addEventListener("input", () => {
    const digits = field.value.replace(/\D/g, "");
    if (digits !== field.value) field.value = digits;
    show();
  });
  show();
}

// A phone has a keyboard of its own, and the field opens it.
const inHand = window.matchMedia("(max-width: 699px)").matches;

for (const root of document.querySelectorAll(".keyboard")) {
  const field = document.getElementById(root.dataset.for);
  if (inHand) {
    field.inputMode = "text";
    root.hidden = true;
  } else buildKeyboard(root);
  field.focus({ preventScroll: true });
}
// A new PIN is typed twice; what was typed first stays in the page.
function askTwice(root) {
  const form = root.closest("form");
  const field = document.getElementById(root.dataset.for);
  const title = document.querySelector("h1[data-again]");
  const lead = document.querySelector("[data-differ]");
  let first = "";
  form.addEventListener("submit", (event) => {
    if (first && field.value === first) return;
    event.preventDefault();
    if (first && lead) lead.textContent = lead.dataset.differ;
    first = first ? "" : field.value;
    title.textContent = first ? title.dataset.again : title.dataset.first;
    type(field, "");
    field.focus({ preventScroll: true });
  });
}

for (const root of document.querySelectorAll(".pad")) {
  buildPad(root);
  if (root.classList.contains("twice")) askTwice(root);
  document.getElementById(root.dataset.for).focus({ preventScroll: true });
}
