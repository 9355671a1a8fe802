// The page: one record, or an index and records that are drawn when they are opened.

function fillRecord(parent, record) {
  const end = endOf(record);
  const { done, retried, failed, cancelled } = record.totals;
  // Of one attempt, the timeline says all.
  const plots = done + retried + failed + cancelled > 1 ? [throughput(record, end)] : [];
  if (record.samples.last !== null) plots.push(traffic(record, end), requests(record, end), pending(record, end));
  const parts = [];
  if (record.error !== null) parts.push(el("pre", { class: "banner", role: "note" }, record.error));
  parts.push(facts(record), timeline(record, end), el("div", { class: "plots" }));
  const table = failures(record);
  if (table !== undefined) parts.push(table);
  parent.append(...parts);
  parent.querySelector(".plots").append(...plots.map(plotted));
  for (const canvas of parent.querySelectorAll(".canvas, .lanes")) redraw(canvas);
}

function heading(name, record) {
  return el(name, { class: "name" }, el("span", {}, record.name), " ", badge(record));
}

function onePage(main, record) {
  document.title = record.name;
  const section = el("section", { class: "record" });
  main.append(el("header", {}, heading("h1", record), el("p", { class: "id" }, record.id)), section);
  fillRecord(section, record);
}

function manyPages(main, records, omitted) {
  const names = new Set(records.map((record) => record.name));
  const what = names.size === 1 ? [...names][0] : "Calls";
  const title = `${what}: ${plural(records.length, "record", "records")}`;
  document.title = title;
  const sections = records.map((record) => {
    const details = el("details", { class: "record" },
      el("summary", {}, heading("h2", record), el("span", { class: "id" }, time(record.begun), " · ", record.id)));
    const isFilled = () => details.childElementCount > 1;
    details.addEventListener("toggle", () => guarded(() => {
      if (details.open && !isFilled()) fillRecord(details, record);
    }));
    return details;
  });
  const open = (i) => {
    sections[i].open = true;
    sections[i].scrollIntoView({ behavior: "smooth" });
  };
  main.append(el("header", {}, el("h1", { class: "name" }, el("span", {}, title))), index(records, open));
  if (omitted > 0) {
    main.append(el("p", { class: "note" }, `${plural(omitted, "older record is", "older records are")} left out.`));
  }
  main.append(...sections);
  sections[0].open = true;
  fillRecord(sections[0], records[0]);
}

// What goes wrong is said on the page: nobody looks for it elsewhere.
function guarded(action) {
  try {
    action();
  } catch (error) {
    document.body.dataset.error = String(error.stack ?? error);
    document.getElementById("main").append(el("p", { class: "note" }, `This page has a fault: ${error}`));
  }
}

window.addEventListener("error", (event) => {
  document.body.dataset.error = event.message;
});

guarded(() => {
  const main = document.getElementById("main");
  const { records, omitted } = JSON.parse(document.getElementById("data").textContent);
  if (records.length === 0) {
    main.append(el("header", {}, el("h1", {}, "Nothing has been recorded.")));
  } else if (records.length === 1) {
    onePage(main, records[0]);
  } else {
    manyPages(main, records, omitted);
  }
});
