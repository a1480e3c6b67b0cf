// Texts of a page with their boxes: which overlap, and which are cut off by an edge that cannot be scrolled to.
const texts = [], faults = new Set();
const screenWide = document.documentElement.clientWidth; // innerWidth grows with what is too wide on a phone
const scrolls = (style, axis) => ["auto", "scroll"].includes(style["overflow" + axis]);
const clips = (style, axis) => style["overflow" + axis] !== "visible";
const said = ({ node }) => node.data.trim().slice(0, 40);

// What is seen of a box, and whether an edge takes something of it away for good.
function seen(owner, { left, right, top, bottom }) {
  let lost = false, reached = { X: false, Y: false };
  for (let at = owner; at && at !== document.documentElement; at = at.parentElement) {
    const style = getComputedStyle(at);
    const edge = at.getBoundingClientRect();
    for (const axis of "XY") reached[axis] ||= scrolls(style, axis);
    if (clips(style, "X") || style.textOverflow === "ellipsis") {
      lost ||= !reached.X && style.textOverflow !== "ellipsis" && (left < edge.left - 1 || right > edge.right + 1);
      [left, right] = [Math.max(left, edge.left), Math.min(right, edge.right)];
    }
    if (clips(style, "Y")) {
      lost ||= !reached.Y && (top < edge.top - 2 || bottom > edge.bottom + 2);
      [top, bottom] = [Math.max(top, edge.top), Math.min(bottom, edge.bottom)];
    }
  }
  if (!reached.X && (left < -1 || right > screenWide + 1)) lost = true;
  return { left, right, top, bottom, lost };
}

const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const owner = node.parentElement;
  if (!node.data.trim() || owner.closest("script, style, noscript, option, title, desc, .map-tip")) continue;
  if (!owner.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })) continue;
  const head = owner.closest("thead");
  if (head && getComputedStyle(head).clipPath !== "none") continue; // kept for those who listen
  const range = document.createRange();
  range.selectNodeContents(node);
  const chart = owner.closest("svg")?.getBoundingClientRect();
  for (const box of range.getClientRects()) {
    if (chart && (box.left < chart.left - 1 || box.right > chart.right + 1)) faults.add(`beyond its chart: ${said({ node })}`);
    const part = seen(owner, box);
    if (part.lost) faults.add(`cut off: ${said({ node })}`);
    if (part.right - part.left > 1 && part.bottom - part.top > 1) texts.push({ node, box: part });
  }
}
texts.sort((a, b) => a.box.top - b.box.top);
texts.forEach((one, at) => {
  for (let next = at + 1; next < texts.length && texts[next].box.top < one.box.bottom; next++) {
    const [a, b] = [one.box, texts[next].box];
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 2 && high > 5 && one.node !== texts[next].node) faults.add(`overlap: ${said(one)} | ${said(texts[next])}`);
  }
});
const wide = document.documentElement.scrollWidth;
if (wide > screenWide) faults.add(`the page is ${wide} pixels wide, the screen ${screenWide}`);
return [texts.length, [...faults]];
