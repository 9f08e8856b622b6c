// A tap that did not arrive says so. The line goes when the box answers again: every page of the counter asks it
// every few seconds.

const line = document.getElementById("no-answer");

for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"])
  document.body.addEventListener(name, () => {
    line.hidden = false;
  });

document.body.addEventListener("htmx:afterOnLoad", () => {
  line.hidden = true;
});
