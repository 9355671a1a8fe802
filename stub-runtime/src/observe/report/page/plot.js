// One plot of several series over time, drawn by uPlot.

const HEIGHT = 150;
const LEFT = 70;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 24;

// `plot`: `title`, `end` (seconds), `times`, `series` of `name`, `class`, `values`, `total` (text), and what the
// values are: `isStep` (value `i` holds from time `i` to `i + 1`), `base` of the ticks, `format`, `nothing` (a note
// if all values are 0).
function plotted(plot) {
  const caption = el("figcaption", {}, el("h3", {}, plot.title));
  const figure = el("figure", { class: "plot" }, caption);
  if (plot.series.every(({ values }) => values.every((value) => value === 0))) {
    figure.append(el("p", { class: "empty" }, plot.nothing));
    return figure;
  }
  const canvas = el("div", { class: "canvas" });
  figure.append(canvas, numbers(() => plotTable(plot)));
  let drawing;
  drawn(canvas, (width) => {
    if (drawing === undefined) drawing = drawPlot(plot, caption, canvas, width);
    else drawing.setSize({ width, height: HEIGHT });
  });
  return figure;
}

function drawPlot(plot, caption, canvas, width) {
  const largest = Math.max(...plot.series.flatMap(({ values }) => values));
  const step = STEPS[plot.base].find((each) => each >= largest / 3);
  const top = Math.ceil(largest / step - 1e-9) * step;
  const axis = { font: "11px system-ui, sans-serif", stroke: () => colour("faint") };
  const options = {
    width, height: HEIGHT, padding: [TOP, RIGHT, 0, 0],
    scales: { x: { time: false, range: [0, plot.end] }, y: { range: [0, top] } },
    axes: [
      { ...axis, size: BOTTOM, gap: 3, splits: () => timeTicks(plot.end, width - LEFT - RIGHT), grid: { show: false },
        ticks: { stroke: () => colour("faint"), size: 4, width: 1 }, values: (_, times) => times.map(duration) },
      { ...axis, size: LEFT, gap: 8, incrs: [step], grid: { stroke: () => colour("rule"), width: 1 },
        ticks: { show: false }, values: (_, values) => values.map(plot.format) },
    ],
    legend: { mount: (_, legend) => caption.append(legend) },
    cursor: { y: false, drag: { x: false }, dataIdx: (_, index, nearest, time) => indexAt(plot, nearest, time) },
    // The legend shows totals, or the time and the values at the pointer.
    series: [
      { label: "Time", value: (_, time, index, i) => (i === null ? "" : span(plot, i)) },
      ...plot.series.map(plottedSeries),
    ],
  };
  const data = [plot.times, ...plot.series.map(({ values }) => (plot.isStep ? [...values, values.at(-1)] : values))];
  const made = new uPlot(options, data, canvas);
  const names = plot.series.map(({ name, total }) => `${name} ${total}`).join(", ");
  fill(made.ctx.canvas, { role: "img", "aria-label": `${plot.title} over ${duration(plot.end)}: ${names}` }, []);
  return made;

  function plottedSeries({ name, class: kind, values, total }) {
    return {
      label: name, class: kind, width: 1.6, points: { show: false },
      stroke: () => colour(kind), fill: () => `${colour(kind)}1f`,
      // Shows a line of the same values that is below it.
      dash: kind === "s4" ? [5, 3] : undefined,
      paths: plot.isStep ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear(),
      gaps: (drawing) => flats(plot, values, (time) => drawing.valToPos(time, "x", true)),
      value: (_, value, index, i) => (i === null ? total : plot.format(values[i])),
    };
  }
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
}

// Where a series stays 0 and is not drawn: lines along the bottom would hide one another.
function flats({ times, isStep }, values, x) {
  const isFlat = (i) => values[i] === 0 && (isStep || values[i + 1] === 0);
  const found = values.flatMap((_, i) => (isFlat(i) ? [i] : []));
  return found.map((i) => [x(times[i]) + (isFlat(i - 1) ? 0 : 1), x(times[i + 1]) - (isFlat(i + 1) ? 0 : 1)]);
}

function indexAt(plot, nearest, time) {
  const last = plot.series[0].values.length - 1;
  const index = plot.isStep && plot.times[nearest] > time ? nearest - 1 : nearest;
  return Math.min(last, Math.max(0, index));
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
