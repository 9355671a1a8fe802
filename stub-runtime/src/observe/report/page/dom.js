// Elements whose contents are always text, and the tooltip.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(name, value);
  }
  // Strings become text, whatever is in them.
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

// Coordinates with more digits would only make the page slower.
function px(value) {
  return Math.round(value * 100) / 100;
}

function drawing(width, height, label) {
  const box = `0 0 ${width} ${height}`;
  return svg("svg", { viewBox: box, width, height, role: "img", "aria-label": label });
}

// A time in the reader's own words, and exactly if the pointer rests on it.
function time(iso) {
  const date = new Date(iso);
  const words = date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
  return el("time", { datetime: iso, title: iso }, words);
}

function table(className, headings, rows) {
  const cell = (name, content, i) => {
    const isNumber = headings[i].isNumber;
    return el(name, { class: isNumber ? "number" : undefined, scope: name === "th" ? "col" : undefined }, content);
  };
  const head = el("tr", {}, ...headings.map((heading, i) => cell("th", heading.text, i)));
  const body = rows.map((row) => el("tr", {}, ...row.map((content, i) => cell("td", content, i))));
  return el("div", { class: "scroll", tabindex: 0 },
    el("table", { class: className }, el("thead", {}, head), el("tbody", {}, ...body)));
}

// The numbers of a drawing, for whoever can't see it. They are made when they are asked for.
function numbers(make) {
  const details = el("details", { class: "numbers" }, el("summary", {}, "Numbers"));
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(make());
  });
  return details;
}

function showTooltip(event, lines) {
  const tooltip = document.getElementById("tooltip");
  tooltip.replaceChildren(...lines.map((line) => el("div", { class: line.class }, line.text)));
  tooltip.hidden = false;
  const { width, height } = tooltip.getBoundingClientRect();
  const gap = 14;
  const right = document.documentElement.clientWidth;
  const bottom = document.documentElement.clientHeight;
  const x = event.clientX + gap + width > right ? event.clientX - gap - width : event.clientX + gap;
  const y = event.clientY + gap + height > bottom ? event.clientY - gap - height : event.clientY + gap;
  tooltip.style.left = `${Math.max(4, x)}px`;
  tooltip.style.top = `${Math.max(4, y)}px`;
}

function hideTooltip() {
  document.getElementById("tooltip").hidden = true;
}

// What is drawn again when its width changes.
const drawings = new Map();

const widths = new ResizeObserver((entries) => {
  for (const { target } of entries) redraw(target);
});

// Draws something as soon as its element has a width, and at each other one that it gets.
function drawn(element, draw) {
  drawings.set(element, { draw, width: 0 });
  widths.observe(element);
}

// Canvases have no style of their own.
for (const media of ["print", "(prefers-color-scheme: dark)"]) {
  matchMedia(media).addEventListener("change", () => {
    for (const { draw, width } of drawings.values()) if (width > 0) draw(width);
  });
}

function redraw(element) {
  const drawing = drawings.get(element);
  const width = Math.floor(element.clientWidth);
  if (width === 0 || width === drawing.width) return;
  drawing.width = width;
  hideTooltip();
  drawing.draw(width);
}
