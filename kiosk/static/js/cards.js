// The list of shots: a card comes once, one that stands otherwise now takes its old place, the list does not grow for
// ever.

const KEPT = 60;

// Whether a card that arrives is to be swapped in at the top; false when it was dealt with here.
export function welcome(list, html) {
  const arriving = new DOMParser().parseFromString(html, "text/html").querySelector(".card");
  if (!arriving) return false;
  const cards = [...list.querySelectorAll(".card")];
  const there = cards.find((card) => card.dataset.shot === arriving.dataset.shot);
  if (there) {
    if (arriving.dataset.version !== there.dataset.version) {
      arriving.classList.remove("fresh");
      there.replaceWith(document.adoptNode(arriving));
    }
    return false;
  }
  const at = (card) => Date.parse(card.dataset.at);
  const later = cards.find((card) => at(card) <= at(arriving));
  if (!later && cards.length) return false; // older than all that are shown: it comes on demand
  if (later && later !== cards[0]) {
    later.before(document.adoptNode(arriving));
    return false;
  }
  trim(list);
  return true;
}

function trim(list) {
  const cards = list.querySelectorAll(".card");
  for (let i = KEPT; i < cards.length; i += 1) cards[i].remove();
}
