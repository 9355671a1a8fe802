// What ran where and when: a lane for each sandbox, a rectangle for each attempt.

const WORDS = { done: "done", retried: "failed, tried again", failed: "failed", cancelled: "cancelled" };

function timeline(record, end) {
  const caption = el("figcaption", {}, el("h3", {}, "Timeline"));
  const figure = el("figure", { class: "timeline" }, caption);
  const lanes = record.sandboxes.kept.length;
  const homeless = record.attempts.kept.filter((attempt) => !hasLane(attempt, lanes)).length;
  if (lanes === 0 && homeless === 0) {
    figure.append(el("p", { class: "empty" }, "Nothing has run."));
    return figure;
  }
  caption.append(timelineLegend(record));
  const canvas = el("div", { class: "lanes", tabindex: 0 });
  const axis = el("div", { class: "laneaxis" });
  figure.append(canvas, axis, ...timelineNotes(record, lanes));
  if (lanes > 0) figure.append(numbers(() => sandboxTable(record)));
  drawn(canvas, (width) => {
    canvas.replaceChildren(drawLanes(record, end, lanes, homeless, width));
    axis.replaceChildren(drawLaneAxis(end, width));
  });
  return figure;
}

function hasLane(attempt, lanes) {
  return attempt.sandbox !== null && attempt.sandbox < lanes;
}

function timelineLegend(record) {
  const entry = (kind, text) => el("li", { class: kind }, el("span", { class: "swatch" }), text);
  const entries = [entry("done", "Done")];
  if (record.totals.retried > 0) entries.push(entry("retried", "Failed, tried again"));
  if (record.totals.failed > 0) entries.push(entry("failed", "Failed"));
  if (record.totals.cancelled > 0) entries.push(entry("cancelled", "Cancelled"));
  if (record.sandboxes.total > 0) entries.push(entry("starting", "Sandbox starts"), entry("idle", "Sandbox waits"));
  return el("ul", { class: "legend" }, ...entries);
}

function timelineNotes(record, lanes) {
  const notes = [];
  const { omitted, all_until: until } = record.attempts;
  if (omitted > 0) {
    notes.push(`Until ${duration(until)} each attempt is drawn, from then on only those that failed; `
      + `${plural(omitted, "attempt is", "attempts are")} counted but not drawn.`);
  }
  const more = record.sandboxes.total - lanes;
  if (more > 0) {
    notes.push(`The first ${count(lanes)} sandboxes have a lane; what ${count(more)} more ran is in the lowest one.`);
  }
  return notes.map((note) => el("p", { class: "note" }, note));
}

// Few lanes are easy to hit with the pointer, many need less scrolling.
function laneHeight(lanes) {
  return lanes <= 16 ? 22 : lanes <= 48 ? 14 : lanes <= 150 ? 9 : 6;
}

function drawLanes(record, end, lanes, homeless, width) {
  const height = laneHeight(lanes);
  const rows = lanes + (homeless > 0 ? 1 : 0);
  const inner = width - LEFT - RIGHT;
  const x = (seconds) => px(LEFT + (seconds / end) * inner);
  const { done, retried, failed } = record.totals;
  const label = `${plural(lanes, "sandbox", "sandboxes")} over ${duration(end)}: `
    + `${count(done)} done, ${count(failed)} failed, ${count(retried)} tried again`;
  const image = drawing(width, rows * height + 4, label);
  for (const seconds of timeTicks(end, inner)) {
    image.append(svg("line", { class: "grid", x1: x(seconds), x2: x(seconds), y1: 0, y2: rows * height + 4 }));
  }
  const bar = (lane, from, to, least, style) => svg("rect", {
    class: style, x: x(from), y: 2 + lane * height + (height > 8 ? 2 : 0.5),
    width: Math.max(least, px(x(to) - x(from))), height: height - (height > 8 ? 4 : 1),
  });
  record.sandboxes.kept.forEach(({ began, ready, ended }, lane) => {
    const last = ended ?? end;
    image.append(bar(lane, began, last, 1, "idle"), bar(lane, began, ready ?? last, 1, "starting"));
  });
  const until = record.attempts.all_until;
  if (until !== null && record.attempts.omitted > 0) {
    // Sandboxes only seem to wait where their attempts are not drawn.
    const rest = { x: x(until), y: 0, width: px(width - RIGHT - x(until)), height: rows * height + 4 };
    image.append(svg("rect", { class: "rest", ...rest }));
  }
  drawLaneNames(image, lanes, homeless, height);
  // What failed comes last: it must not be hidden by what is narrower than a pixel.
  const order = ["done", "cancelled", "retried", "failed"];
  const attempts = [...record.attempts.kept].sort((a, b) => order.indexOf(a.ending) - order.indexOf(b.ending));
  const gap = attempts.length < inner ? 1 : 0;
  attempts.forEach((attempt, i) => {
    const lane = hasLane(attempt, lanes) ? attempt.sandbox : lanes;
    const rectangle = bar(lane, attempt.from, attempt.to, 1.5, `attempt ${attempt.ending}`);
    const drawnWidth = Number(rectangle.getAttribute("width"));
    if (drawnWidth > 4) rectangle.setAttribute("width", px(drawnWidth - gap));
    rectangle.setAttribute("data-i", i);
    image.append(rectangle);
  });
  describe(image, attempts);
  return image;
}

function drawLaneNames(image, lanes, homeless, height) {
  const every = [1, 2, 5, 10, 20, 50].find((step) => step * height >= 13) ?? 100;
  const name = (lane, text) => svg("text", {
    class: "tick", x: LEFT - 8, y: 2 + (lane + 0.5) * height + 4, "text-anchor": "end",
  }, text);
  for (let lane = 0; lane < lanes; lane += 1) {
    const isNamed = every === 1 || (lane + 1) % every === 0 || lane === 0;
    if (isNamed) image.append(name(lane, lane === 0 && every === 1 ? "sandbox 1" : String(lane + 1)));
  }
  if (homeless > 0) image.append(name(lanes, "other"));
}

function drawLaneAxis(end, width) {
  const inner = width - LEFT - RIGHT;
  const x = (seconds) => px(LEFT + (seconds / end) * inner);
  const image = drawing(width, 24, `Time, from 0 to ${duration(end)}`);
  image.append(svg("line", { class: "axis", x1: LEFT, x2: width - RIGHT, y1: 0.5, y2: 0.5 }));
  for (const seconds of timeTicks(end, inner)) {
    const anchor = x(seconds) > LEFT + inner - 20 ? "end" : "middle";
    image.append(
      svg("line", { class: "axis", x1: x(seconds), x2: x(seconds), y1: 0, y2: 4 }),
      svg("text", { class: "tick", x: x(seconds), y: 17, "text-anchor": anchor }, duration(seconds)));
  }
  return image;
}

// One listener for all rectangles.
function describe(image, attempts) {
  image.addEventListener("pointermove", (event) => {
    const index = event.target.getAttribute("data-i");
    if (index === null) {
      hideTooltip();
    } else {
      showTooltip(event, attemptLines(attempts[Number(index)]));
    }
  });
  image.addEventListener("pointerleave", hideTooltip);
}

function attemptLines(attempt) {
  const what = attempt.input === null ? "The call" : `Input ${attempt.input}`;
  const which = attempt.number > 1 ? `, attempt ${attempt.number}` : "";
  const lines = [
    { class: "head", text: `${what}${which}: ${WORDS[attempt.ending]}` },
    { text: `took ${duration(attempt.to - attempt.from)}, from ${duration(attempt.from)}` },
  ];
  if (attempt.sandbox !== null) lines.push({ text: `in sandbox ${attempt.sandbox + 1}` });
  if (attempt.error !== null) lines.push({ class: "error", text: attempt.error });
  return lines;
}

function sandboxTable(record) {
  const tallies = record.sandboxes.kept.map(() => ({ done: 0, retried: 0, failed: 0, cancelled: 0 }));
  for (const attempt of record.attempts.kept) {
    if (hasLane(attempt, tallies.length)) tallies[attempt.sandbox][attempt.ending] += 1;
  }
  const moment = (seconds) => (seconds === null ? "–" : duration(seconds));
  const names = ["Sandbox", "Began", "Ready", "Ended", "Done", "Tried again", "Failed", "Cancelled"];
  const rows = record.sandboxes.kept.map(({ began, ready, ended }, i) => [
    String(i + 1), moment(began), moment(ready), moment(ended),
    ...["done", "retried", "failed", "cancelled"].map((kind) => count(tallies[i][kind])),
  ]);
  return table("values", names.map((text) => ({ text, isNumber: true })), rows);
}
