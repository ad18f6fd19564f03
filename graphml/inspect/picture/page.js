// Folding, finding and tracing in the picture of a graph. BLOCKS and PIECES are written by page.py:
// BLOCKS[number] = [left, width, height, rows of numbers or null]
// PIECES[number] = [[row at the begin, row at the end, x at the begin, x at the end, number of the box at the begin
//                   or -1, the same at the end, number of the box that the whole edge comes from] ...]
const svg = document.querySelector("svg"), root = document.getElementById("b0");
const groups = BLOCKS.map((_, i) => document.getElementById("b" + i));
const inside = groups.map(g => g.querySelector(":scope > .inside"));
const frames = groups.map(g => g.querySelector(":scope > rect"));
const titles = groups.map(g => g.querySelector(":scope > .fold"));
const words = groups.map(g => g.querySelector(":scope > title").textContent);
const paths = inside.map(g => g ? [...g.querySelectorAll(":scope > path")] : []);
const parent = [];
BLOCKS.forEach((b, i) => (b[3] || []).flat().forEach(j => parent[j] = i));
const folded = new Set(), names = titles.map(t => t && t.textContent);
let zoom = 1;

function leaves(i) { return BLOCKS[i][3] ? BLOCKS[i][3].flat().reduce((n, j) => n + leaves(j), 0) : 1; }

function narrow(i) { // the frame of a folded box, in the middle of its place
  const width = Math.min(BLOCKS[i][1], titles[i].textContent.length * 6.9 + 28);
  frames[i].setAttribute("x", (BLOCKS[i][1] - width) / 2);
  frames[i].setAttribute("width", width);
  titles[i].setAttribute("x", (BLOCKS[i][1] - width) / 2 + PADDING);
}

function place(i) { // sets everything inside of box i, and returns its height
  const [, width, height, rows] = BLOCKS[i];
  if (!rows) return height;
  titles[i].textContent = names[i] + (folded.has(i) ? `  ▸ ${leaves(i)}` : i ? "  ▾" : "");
  inside[i].style.display = folded.has(i) ? "none" : "";
  if (folded.has(i)) { narrow(i); frames[i].setAttribute("height", HEADER); return HEADER; }
  frames[i].setAttribute("x", 0); frames[i].setAttribute("width", width); titles[i].setAttribute("x", PADDING);
  let top = HEADER;
  const tops = [], heights = {};
  for (const row of rows) {
    tops.push(top);
    for (const j of row) {
      heights[j] = place(j);
      groups[j].setAttribute("transform", `translate(${BLOCKS[j][0]} ${top})`);
    }
    top += Math.max(0, ...row.map(j => heights[j])) + GAP;
  }
  const total = top - GAP + PADDING;
  PIECES[i].forEach(([row, final, x0, x1, from, to], k) => {
    const middle = j => BLOCKS[j][0] + BLOCKS[j][1] / 2;
    const a = folded.has(from) ? middle(from) : x0, b = folded.has(to) ? middle(to) : x1;
    const begin = from >= 0 ? tops[row] + heights[from] : row ? tops[row] : 0, bottom = tops[row + 1] - GAP;
    const last = final + 1 == tops.length && to < 0 && !rows[rows.length - 1].length;
    const end = last ? total : tops[final], half = (bottom + end) / 2;
    paths[i][k].setAttribute("d", `M${a} ${begin}V${bottom}C${a} ${half} ${b} ${half} ${b} ${end}`);
  });
  frames[i].setAttribute("height", total);
  return total;
}

function draw() {
  const width = BLOCKS[0][1], height = place(0);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("width", width * zoom);
  svg.setAttribute("height", height * zoom);
}

function show(i) { // scrolls to box i, and unfolds what is around it
  for (let j = parent[i]; j !== undefined; j = parent[j]) folded.delete(j);
  draw();
  groups[i].scrollIntoView({ block: "center", inline: "center" });
}

function toggle(i) {
  const before = frames[i].getBoundingClientRect().top;
  folded.has(i) ? folded.delete(i) : folded.add(i);
  draw();
  svg.parentNode.scrollTop += frames[i].getBoundingClientRect().top - before; // what was clicked stays where it is
}

function trace(i) { // marks the edges of box i
  paths.forEach((list, j) => list.forEach((path, k) =>
    path.classList.toggle("lit", i >= 0 && (PIECES[j][k][6] == i || PIECES[j][k][5] == i))));
  groups.forEach((g, j) => g.classList.toggle("chosen", i == j));
  document.getElementById("details").textContent = i < 0 ? "" : words[i];
}

const holders = BLOCKS.map((b, i) => b[3] && i ? i : 0).filter(Boolean);
holders.forEach(i => {
  titles[i].setAttribute("tabindex", 0);
  titles[i].addEventListener("keydown", e => { if (e.key == "Enter") toggle(i); });
});
svg.addEventListener("click", e => {
  const i = groups.indexOf(e.target.closest(".b"));
  if (i > 0 && BLOCKS[i][3]) toggle(i); else trace(i > 0 ? i : -1);
});

let found = [], at = 0;
const box = document.getElementById("find"), count = document.getElementById("count");
box.addEventListener("input", () => {
  const text = box.value.toLowerCase();
  found = text ? BLOCKS.map((b, i) => i).filter(i => i && words[i].toLowerCase().includes(text)) : [];
  at = -1;
  groups.forEach((g, i) => g.classList.toggle("found", found.includes(i)));
  count.textContent = text ? `${found.length} found` : "";
});
box.addEventListener("keydown", e => {
  if (e.key != "Enter" || !found.length) return;
  at = (at + (e.shiftKey ? found.length - 1 : 1)) % found.length;
  show(found[at]); trace(found[at]);
  count.textContent = `${at + 1} of ${found.length}`;
});
const press = (name, act) => document.getElementById(name).addEventListener("click", () => { act(); draw(); });
press("fold", () => holders.forEach(i => folded.add(i)));
press("unfold", () => folded.clear());
press("in", () => zoom *= 1.25);
press("out", () => zoom /= 1.25);
press("fit", () => zoom = Math.min(1, svg.parentNode.clientWidth / BLOCKS[0][1]));

FOLDED.forEach(i => folded.add(i));
draw();
svg.parentNode.scrollLeft = (svg.parentNode.scrollWidth - svg.parentNode.clientWidth) / 2;
