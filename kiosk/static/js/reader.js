// A card reader types: many keys within a moment and Enter at the end. What it typed goes to the card's form, and
// out of the field that happened to have the focus.

const QUICK_MS = 60; // nobody types so fast
const LEAST = 6;

const form = document.getElementById("card-form");
let typed = "";
let last = 0;

window.addEventListener(
  "keydown",
  (event) => {
    const now = performance.now();
    if (now - last > QUICK_MS) typed = "";
    last = now;
    if (event.key === "Enter") {
      if (typed.length < LEAST) return;
      event.preventDefault();
      event.stopPropagation();
      const field = document.activeElement;
      if (field && "value" in field && field.value.toLowerCase().endsWith(typed.toLowerCase()))
        field.value = field.value.slice(0, -typed.length);
      form.elements.number.value = typed;
      form.requestSubmit();
      typed = "";
    } else if (/^[0-9a-zA-Z:;?%=+-]$/.test(event.key)) typed += event.key;
  },
  true,
);
