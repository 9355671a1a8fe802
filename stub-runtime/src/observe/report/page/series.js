// What is plotted of a record.

const MOST_BINS = 60;

// Where the groups of bins that are drawn as one begin and end. A short rest belongs to the last group: its rate
// would say nothing.
function groups(edges, most) {
  const size = Math.ceil((edges.length - 1) / most);
  const found = edges.filter((_, i) => i % size === 0);
  const end = edges[edges.length - 1];
  if (found[found.length - 1] !== end) found.push(end);
  const widths = found.length - 1;
  if (widths > 1 && end - found[widths - 1] < (found[1] - found[0]) / 2) found.splice(widths - 1, 1);
  return found;
}

function throughput(record, end) {
  const { width, counts } = record.throughput;
  const edges = [];
  for (let i = 0; i * width < end; i += 1) edges.push(i * width);
  edges.push(end);
  const times = groups(edges, MOST_BINS);
  const kinds = [["done", "Done"], ["retried", "Tried again"], ["failed", "Failed"], ["cancelled", "Cancelled"]];
  const series = kinds.filter(([kind]) => record.totals[kind] > 0).map(([kind, name]) => {
    const values = times.slice(1).map(() => 0);
    let group = 0;
    counts.forEach((bin, i) => {
      while (group < values.length - 1 && i * width >= times[group + 1]) group += 1;
      values[group] += bin[kind];
    });
    const rates = values.map((value, i) => value / (times[i + 1] - times[i]));
    return { name, class: kind, values: rates, total: count(record.totals[kind]) };
  });
  return {
    title: "Inputs per second", end, times, series, isStep: true, base: 10, format: short,
    nothing: "No input has ended.",
  };
}

// All samples, from a beginning at which nothing had been asked.
function samplesOf(record) {
  const { kept, last } = record.samples;
  if (last === null) return [];
  const none = Object.fromEntries(Object.keys(last.usage).map((kind) => [kind, 0]));
  const all = [{ at: 0, usage: none, pending: { files: 0, bytes: 0 } }];
  for (const sample of [...kept, last]) {
    // A short rest belongs to the last: its rate would say nothing.
    const gap = all.length > 2 ? all[all.length - 1].at - all[all.length - 2].at : 0;
    if (sample === last && all.length > 2 && sample.at - all[all.length - 1].at < gap / 2) all.pop();
    const before = all[all.length - 1];
    if (sample.at > before.at) {
      all.push(sample);
    } else {
      all[all.length - 1] = { ...sample, at: before.at };
    }
  }
  // Something asked at the very beginning has no duration; the record's own is the least.
  return all.length === 1 ? [{ ...all[0], usage: none }, { ...all[0], at: endOf(record) }] : all;
}

function rates(record, end, title, nothing, kinds, format, base) {
  const samples = samplesOf(record);
  const times = groups(samples.map((sample) => sample.at), MOST_BINS);
  const at = new Map(samples.map((sample) => [sample.at, sample.usage]));
  const usage = record.samples.last.usage;
  const series = kinds.filter(({ kind }) => usage[kind] > 0).map(({ kind, name, style, text }) => ({
    name,
    class: style,
    total: text(usage[kind]),
    values: times.slice(1).map((time, i) => (at.get(time)[kind] - at.get(times[i])[kind]) / (time - times[i])),
  }));
  return { title, end, times, series, isStep: true, base, format, nothing };
}

const REQUESTS = [
  { kind: "lists", name: "LIST", style: "s1", text: count },
  { kind: "gets", name: "GET", style: "s2", text: count },
  { kind: "heads", name: "HEAD", style: "s3", text: count },
  { kind: "puts", name: "PUT", style: "s4", text: count },
  { kind: "deletes", name: "DELETE", style: "s5", text: count },
];

const MOVED = [
  { kind: "bytes_read", name: "Read", style: "s2", text: bytes },
  { kind: "bytes_written", name: "Written", style: "s4", text: bytes },
];

function traffic(record, end) {
  return rates(record, end, "Bytes per second", "Nothing was read or written.", MOVED, bytes, 1024);
}

function requests(record, end) {
  return rates(record, end, "Requests per second", "Nothing was asked of a bucket.", REQUESTS, short, 10);
}

function pending(record, end) {
  const samples = samplesOf(record);
  const size = Math.ceil(samples.length / (MOST_BINS * 2));
  const chosen = [];
  // Of each few samples the one with most.
  for (let i = 0; i < samples.length; i += size) {
    const few = samples.slice(i, i + size);
    chosen.push(few.reduce((most, sample) => (sample.pending.bytes > most.pending.bytes ? sample : most)));
  }
  const values = chosen.map((sample) => sample.pending.bytes);
  const peak = Math.max(0, ...values);
  return {
    title: "Written, not yet stored", end, times: chosen.map((sample) => sample.at),
    series: [{ name: "Most", class: "s1", values, total: bytes(peak) }],
    isStep: false, base: 1024, format: bytes, nothing: "Nothing had to wait to be stored.",
  };
}
