/** The boxes whose words reach further than their edge. Runs in the page. */
export function overfull(): string[] {
  const boxes = [...document.querySelectorAll('html, .side, .main, .card, dialog')];
  return boxes.filter((box) => box.scrollWidth > box.clientWidth).map((box) => `${box.localName}.${box.className}: ${box.scrollWidth} > ${box.clientWidth}`);
}
