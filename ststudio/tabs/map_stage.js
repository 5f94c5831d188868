// Moves the map's points between before and after, lists its colours, and tells which dot is
// clicked. Runs once for the stage's element; `trigger`, `watch` and `props` are Gradio's.
const whole = element.closest("#map");
const range = element.querySelector("input[type=range]");
const ends = [...element.querySelectorAll("button[data-to]")];
const legend = element.querySelector(".legend");
const where = element.querySelector("output");
const ARRAYS = { f8: Float64Array, f4: Float32Array, i4: Int32Array, i2: Int16Array,
  i1: Int8Array, u4: Uint32Array, u2: Uint16Array, u1: Uint8Array };
const SIGNS = { circle: "●", diamond: "◆", square: "■", "triangle-up": "▲", cross: "✚" };
const MOVING_MS = 900, HEIGHT = 560;
let plot = null, own = 0, frame = 0, journey = 0, read = new Map();

// Plotly sends long arrays as base64 and reads them itself, but not inside of meta.
function numbers(end) {
  if (!end || !end.bdata) return end;
  if (!read.has(end)) {
    const bytes = Uint8Array.from(atob(end.bdata), (letter) => letter.charCodeAt(0));
    read.set(end, new ARRAYS[end.dtype](bytes.buffer));
  }
  return read.get(end);
}

function mixed(from, to, side) {
  if (typeof from === "number") return from + (to - from) * side;
  if (typeof from === "string") {
    const part = (colour, at) => parseInt(colour.slice(at, at + 2), 16);
    return "rgb(" + [1, 3, 5].map((at) =>
      Math.round(part(from, at) + (part(to, at) - part(from, at)) * side)).join() + ")";
  }
  const start = numbers(from), end = numbers(to);
  const out = Array.isArray(start) ? new Array(start.length) : new Float32Array(start.length);
  for (let row = 0; row < start.length; row++)
    out[row] = start[row] === null ? null : start[row] + (end[row] - start[row]) * side;
  return out;
}

function place(side) {
  frame = 0;
  if (!plot || !plot.data) return;
  const changes = {}, ways = { x: "x", y: "y", opacity: "opacity", color: "marker.color" };
  plot.data.forEach((trace, number) => {
    for (const [name, path] of Object.entries(ways)) {
      if (trace.meta?.[name + "0"] === undefined) continue;
      changes[path] ??= new Array(plot.data.length).fill(undefined);
      changes[path][number] = mixed(trace.meta[name + "0"], trace.meta[name + "1"], side);
    }
  });
  window.Plotly.restyle(plot, changes, plot.data.map((_, number) => number));
}

function show(side) {
  const share = Math.round(side * 100);
  range.value = share;
  range.setAttribute("aria-valuetext", words(share));
  where.textContent = words(share);
  ends.forEach((end) => end.setAttribute("aria-pressed", String(Number(end.dataset.to) === side)));
  frame ||= requestAnimationFrame(() => place(range.value / 100));
}

function words(share) {
  if (share === 0) return "before: the base model";
  return share === 100 ? "after: the fine-tuned model" : share + " % of the way to after";
}

function travel(to) {
  cancelAnimationFrame(journey);
  const from = range.value / 100, started = performance.now();
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const step = (now) => {
    const part = still ? 1 : Math.min((now - started) / MOVING_MS, 1);
    show(from + (to - from) * part);
    if (part < 1) journey = requestAnimationFrame(step);
  };
  journey = requestAnimationFrame(step);
}

function list() {
  legend.replaceChildren();
  plot.data.slice(0, own).forEach((trace, number) => {
    if (!trace.meta?.name) return;
    const entry = document.createElement("button");
    const swatch = document.createElement("i");
    swatch.style.color = trace.marker.color;
    swatch.textContent = SIGNS[trace.marker.symbol] ?? "●";
    entry.append(swatch, trace.meta.name);
    entry.type = "button";
    entry.title = "Show or hide: " + trace.meta.name;
    entry.setAttribute("aria-pressed", "true");
    entry.addEventListener("click", () => {
      const shown = entry.getAttribute("aria-pressed") === "true";
      entry.setAttribute("aria-pressed", String(!shown));
      window.Plotly.restyle(plot, { visible: !shown }, [number]);
    });
    legend.append(entry);
  });
}

async function cover() {
  if (!plot || !plot.data) return;
  const over = JSON.parse(props.value || "[]");
  const old = plot.data.map((_, number) => number).slice(own);
  if (old.length) await window.Plotly.deleteTraces(plot, old);
  if (over.length) await window.Plotly.addTraces(plot, over);
  place(range.value / 100);
}

function adopt() {
  const found = whole.querySelector(".js-plotly-plot");
  if (!found || found === plot || !found.data) return;
  plot = found;
  own = found.data.length;
  read = new Map();
  found.on("plotly_click", (event) => {
    if (event.points.length) trigger("pick", { row: Number(event.points[0].customdata) });
  });
  list();
  fit();
  cover();
}

range.addEventListener("input", () => {
  cancelAnimationFrame(journey);
  show(range.value / 100);
});
ends.forEach((end) => end.addEventListener("click", () => travel(Number(end.dataset.to))));
watch("value", cover);
new MutationObserver(() => requestAnimationFrame(adopt)).observe(whole,
  { childList: true, subtree: true });
// A plot drawn while its tab was hidden has no size of its own yet; a narrow page needs no height.
function fit() {
  const width = whole.clientWidth;
  if (!plot || !plot.isConnected || !plot.data || !width) return;
  const height = Math.round(Math.min(HEIGHT, Math.max(width * 1.1, 300)));
  if (plot.layout.height !== height) window.Plotly.relayout(plot, { height });
  else window.Plotly.Plots.resize(plot);
}
new ResizeObserver(fit).observe(whole);
show(0);
adopt();
setTimeout(() => trigger("ready", {}));
