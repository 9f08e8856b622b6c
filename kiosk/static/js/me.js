// What an e-mail address needs and a name does not: a few signs more on the keyboard, and no capitals.

for (const root of document.querySelectorAll(".keyboard[data-signs]")) {
  const field = document.getElementById(root.dataset.for);
  const lower = () => {
    const small = field.value.toLowerCase();
    if (small !== field.value) field.value = small;
  };
  field.addEventListener("input", lower);
  const last = root.querySelector(".keys.last");
  if (!last) continue; // a phone brings its own
  for (const sign of root.dataset.signs.split(" ")) {
    const key = document.createElement("button");
    key.type = "button";
    key.className = "key";
    key.textContent = sign;
    key.addEventListener("click", () => {
      field.value = (field.value + sign).slice(0, field.maxLength);
      lower();
    });
    last.prepend(key);
  }
  last.classList.add("with-signs");
}
