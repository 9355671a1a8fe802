// What is said in words: headline facts, the inputs that failed, and the index of several records.

const MOST_FAILED = 200;

function endOf(record) {
  // A drawing has a width even if the call took no time at all.
  return Math.max(record.ended ?? record.latest, record.latest, 1e-6);
}

function state(record) {
  if (record.ended === null) return { class: "running", text: "not ended" };
  if (record.error !== null) return { class: "failed", text: "failed" };
  if (record.totals.failed > 0) return { class: "failed", text: `${count(record.totals.failed)} failed` };
  return { class: "done", text: "done" };
}

function badge(record) {
  const { class: kind, text } = state(record);
  return el("span", { class: `badge ${kind}` }, text);
}

function took(record) {
  return record.ended === null ? `${duration(record.latest)} so far` : duration(record.ended);
}

function facts(record) {
  const { done, retried, failed, cancelled } = record.totals;
  const usage = record.samples.last === null ? null : record.samples.last.usage;
  const fact = (name, value, kind) =>
    el("div", { class: kind }, el("dt", {}, name), el("dd", {}, value));
  const list = [
    fact("Began", time(record.begun)),
    fact("Took", took(record)),
    fact("Done", count(done), done > 0 ? "done" : undefined),
    fact("Failed", count(failed), failed > 0 ? "failed" : undefined),
    fact("Tried again", count(retried), retried > 0 ? "retried" : undefined),
    ...(cancelled > 0 ? [fact("Cancelled", count(cancelled))] : []),
    fact("Sandboxes", count(record.sandboxes.total)),
  ];
  if (usage !== null) {
    const asked = REQUESTS.filter(({ kind }) => usage[kind] > 0);
    const kinds = asked.map(({ kind, name }) => `${count(usage[kind])} ${name}`).join(" · ");
    list.push(
      fact("Read", bytes(usage.bytes_read)),
      fact("Written", bytes(usage.bytes_written)),
      fact("Cost at list price", money(record.cost)),
      fact("Requests", kinds || "0"));
  }
  return el("dl", { class: "facts" }, ...list);
}

function failures(record) {
  const failed = record.attempts.kept.filter((attempt) => attempt.ending === "failed");
  const total = record.totals.failed;
  if (total === 0) return undefined;
  const shown = failed.slice(0, MOST_FAILED);
  const headings = [
    { text: "Input", isNumber: true }, { text: "Attempts", isNumber: true }, { text: "At", isNumber: true },
    { text: "Took", isNumber: true }, { text: "Error" },
  ];
  const rows = shown.map((attempt) => [
    attempt.input === null ? "–" : String(attempt.input), String(attempt.number), duration(attempt.to),
    duration(attempt.to - attempt.from), el("pre", {}, attempt.error ?? ""),
  ]);
  const section = el("section", { class: "failures" }, el("h3", {}, "Failed inputs"), table("failed", headings, rows));
  const more = total - shown.length;
  if (more > 0) section.append(el("p", { class: "note" }, `And ${count(more)} more.`));
  return section;
}

function index(records, open) {
  const headings = [
    { text: "Call" }, { text: "Began" }, { text: "Took", isNumber: true }, { text: "Done", isNumber: true },
    { text: "Failed", isNumber: true }, { text: "Tried again", isNumber: true }, { text: "Read", isNumber: true },
    { text: "Written", isNumber: true }, { text: "Cost", isNumber: true }, { text: "" },
  ];
  const rows = records.map((record, i) => {
    const link = el("button", { type: "button", class: "link" }, record.name);
    link.addEventListener("click", () => open(i));
    const usage = record.samples.last === null ? null : record.samples.last.usage;
    return [
      link, time(record.begun), took(record), count(record.totals.done), count(record.totals.failed),
      count(record.totals.retried), usage === null ? "–" : bytes(usage.bytes_read),
      usage === null ? "–" : bytes(usage.bytes_written), usage === null ? "–" : money(record.cost), badge(record),
    ];
  });
  return table("index", headings, rows);
}
