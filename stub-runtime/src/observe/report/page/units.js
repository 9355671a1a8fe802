"use strict";
// Numbers as people read them, and the ticks of axes.

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

function count(value) {
  return value.toLocaleString(undefined, { maximumFractionDigits: 0 });
}

// `how many of what`, in words: `plural(1, "sandbox", "sandboxes")`.
function plural(value, one, many) {
  return `${count(value)} ${value === 1 ? one : many}`;
}

// Three digits are enough to compare.
function digits(value) {
  const size = Math.abs(value);
  const fraction = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString(undefined, { maximumFractionDigits: fraction });
}

function bytes(value) {
  let unit = 0;
  while (value >= 1024 && unit < BINARY.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${digits(value)} ${BINARY[unit]}`;
}

function short(value) {
  if (value >= 1e9) return `${digits(value / 1e9)} G`;
  if (value >= 1e6) return `${digits(value / 1e6)} M`;
  if (value >= 1e4) return `${digits(value / 1e3)} k`;
  return digits(value);
}

function money(value) {
  if (value === 0) return "$0";
  return value >= 1 ? `$${value.toFixed(2)}` : `$${value.toPrecision(2).replace(/e.*/, "")}`;
}

function duration(seconds) {
  if (seconds === 0) return "0 s";
  if (seconds < 1e-3) return `${digits(seconds * 1e6)} µs`;
  if (seconds < 1) return `${digits(seconds * 1e3)} ms`;
  if (seconds < 60) return `${digits(seconds)} s`;
  const two = (large, one, small, other) => {
    let first = Math.floor(seconds / large);
    let second = Math.round((seconds - first * large) / small);
    if (second * small === large) {
      first += 1;
      second = 0;
    }
    return second === 0 ? `${first} ${one}` : `${first} ${one} ${second} ${other}`;
  };
  if (seconds < 3600) return two(60, "min", 1, "s");
  if (seconds < 86400) return two(3600, "h", 60, "min");
  return two(86400, "d", 3600, "h");
}

const DECIMAL_STEPS = Array.from({ length: 63 }, (_, i) => [1, 2, 5][i % 3] * 10 ** (Math.floor(i / 3) - 9));

// Steps between ticks, rising, by the base of their unit: round in decimal units or in binary ones.
const STEPS = { 10: DECIMAL_STEPS, 1024: Array.from({ length: 61 }, (_, i) => 2 ** i) };

const TIME_STEPS = [
  ...DECIMAL_STEPS.filter((step) => step < 15), 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
  ...DECIMAL_STEPS.filter((step) => step >= 1).map((days) => days * 86400),
];

// Multiples of a step from 0 up to an end.
function timeTicks(end, width) {
  const least = end / Math.max(2, Math.floor(width / 90));
  const step = TIME_STEPS.find((each) => each >= least);
  return Array.from({ length: Math.floor(end / step * (1 + 1e-9)) + 1 }, (_, i) => i * step);
}
