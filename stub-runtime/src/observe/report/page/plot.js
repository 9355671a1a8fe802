// One plot of several series over time.

const HEIGHT = 150;
const LEFT = 70;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 24;

// `plot`: `title`, `end` (seconds), `times`, `series` of `name`, `class`, `values`, `total` (text), and what the
// values are: `isStep` (value `i` holds from time `i` to `i + 1`), `base` of the ticks, `format`, `nothing` (a note
// if all values are 0).
function plotted(plot) {
  const heading = el("figcaption", {}, el("h3", {}, plot.title));
  const figure = el("figure", { class: "plot" }, heading);
  const largest = Math.max(0, ...plot.series.flatMap((series) => series.values));
  if (largest === 0) {
    figure.append(el("p", { class: "empty" }, plot.nothing));
    return figure;
  }
  heading.append(legend(plot.series));
  const canvas = el("div", { class: "canvas" });
  figure.append(canvas, numbers(() => plotTable(plot)));
  drawn(canvas, (width) => canvas.replaceChildren(drawPlot(plot, largest, width)));
  return figure;
}

function legend(series) {
  return el("ul", { class: "legend" }, ...series.map(({ name, class: kind, total }) =>
    el("li", { class: kind }, el("span", { class: "swatch" }), name, el("b", {}, total))));
}

function drawPlot(plot, largest, width) {
  const inner = width - LEFT - RIGHT;
  const floor = HEIGHT - BOTTOM;
  const step = niceStep(largest / 3, plot.base);
  const top = Math.ceil(largest / step - 1e-9) * step;
  const x = (seconds) => px(LEFT + (seconds / plot.end) * inner);
  const y = (value) => px(floor - (value / top) * (floor - TOP));
  const names = plot.series.map((series) => `${series.name} ${series.total}`).join(", ");
  const image = drawing(width, HEIGHT, `${plot.title} over ${duration(plot.end)}: ${names}`);
  for (const value of ticks(top, step)) {
    image.append(
      svg("line", { class: value === 0 ? "axis" : "grid", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
      svg("text", { class: "tick", x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, plot.format(value)));
  }
  image.append(timeAxis(plot.end, inner, floor, x));
  for (const series of plot.series) {
    image.append(svg("path", { class: `area ${series.class}`, d: outline(plot, series.values, x, y) }));
  }
  for (const series of plot.series) {
    image.append(svg("path", { class: `line ${series.class}`, d: outline(plot, series.values, x, y) }));
  }
  image.append(cursor(plot, image, inner, floor, x));
  return image;
}

function timeAxis(end, inner, floor, x) {
  const group = svg("g", {});
  for (const seconds of timeTicks(end, inner)) {
    const isLast = x(seconds) > LEFT + inner - 20;
    group.append(
      svg("line", { class: "axis", x1: x(seconds), x2: x(seconds), y1: floor, y2: floor + 4 }),
      svg("text", { class: "tick", x: x(seconds), y: floor + 17, "text-anchor": isLast ? "end" : "middle" },
        duration(seconds)));
  }
  return group;
}

// A shape for each stretch of time in which the value is not 0. Lines along the bottom would hide one another.
function outline(plot, values, x, y) {
  const at = (i) => x(plot.times[i]);
  const value = (i) => values[i] ?? 0;
  let path = "";
  for (let i = 0; i < values.length; i += 1) {
    if (plot.isStep) {
      if (value(i) === 0) continue;
      path += value(i - 1) === 0 ? `M${at(i)},${y(0)}V${y(value(i))}` : `V${y(value(i))}`;
      path += `H${at(i + 1)}`;
      if (value(i + 1) === 0) path += `V${y(0)}`;
    } else if (value(i - 1) !== 0 || value(i) !== 0) {
      path += `${path === "" || value(i - 1) === 0 ? `M${at(Math.max(0, i - 1))},${y(0)}` : ""}L${at(i)},${y(value(i))}`;
    }
  }
  return plot.isStep || value(values.length - 1) === 0 ? path : `${path}V${y(0)}`;
}

// The values at the pointer.
function cursor(plot, image, inner, floor, x) {
  const line = svg("line", { class: "cursor", y1: TOP, y2: floor, visibility: "hidden" });
  image.addEventListener("pointermove", (event) => {
    const bounds = image.getBoundingClientRect();
    const position = ((event.clientX - bounds.left) / bounds.width) * (inner + LEFT + RIGHT);
    const seconds = ((position - LEFT) / inner) * plot.end;
    const last = plot.series[0].values.length - 1;
    const after = plot.times.findIndex((time) => time > seconds);
    const index = Math.min(last, Math.max(0, after === -1 ? last : after - 1));
    const at = x(Math.min(plot.end, Math.max(0, seconds)));
    fill(line, { x1: at, x2: at, visibility: "visible" }, []);
    showTooltip(event, [
      { class: "head", text: span(plot, index) },
      ...plot.series.map(({ name, values }) => ({ text: `${name}: ${plot.format(values[index])}` })),
    ]);
  });
  image.addEventListener("pointerleave", () => {
    line.setAttribute("visibility", "hidden");
    hideTooltip();
  });
  return line;
}

function span(plot, index) {
  const from = duration(plot.times[index]);
  return plot.isStep ? `${from} – ${duration(plot.times[index + 1])}` : `at ${from}`;
}

function plotTable(plot) {
  const headings = [{ text: "Time" }, ...plot.series.map(({ name }) => ({ text: name, isNumber: true }))];
  const rows = plot.series[0].values.map((_, i) =>
    [span(plot, i), ...plot.series.map(({ values }) => plot.format(values[i]))]);
  return table("values", headings, rows);
}
