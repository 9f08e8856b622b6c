// The list of shots: a card comes once, an amended one takes its old place, the list does not grow for ever.

const KEPT = 60;

// Whether a card that arrives is to be swapped in at the top; false when it was dealt with here.
export function welcome(list, html) {
  const arriving = new DOMParser().parseFromString(html, "text/html").querySelector(".card");
  if (!arriving) return false;
  const there = [...list.querySelectorAll(".card")].find((card) => card.dataset.shot === arriving.dataset.shot);
  if (!there) {
    trim(list);
    return true;
  }
  if (Number(arriving.dataset.revision) > Number(there.dataset.revision)) {
    arriving.classList.remove("fresh");
    there.replaceWith(document.adoptNode(arriving));
  }
  return false;
}

function trim(list) {
  const cards = list.querySelectorAll(".card");
  for (let i = KEPT; i < cards.length; i += 1) cards[i].remove();
}
