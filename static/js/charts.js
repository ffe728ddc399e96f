// Draws each [data-chart] from the table inside it. Without this file, or without eyes for pictures, the table is there.

const colours = ["--leaf", "--papaya", "--line-strong"];   // .chart-colour-0 and so on
const drawn = new Map();                              // the element that is drawn into -> its uPlot

const value = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const dayWords = (seconds) =>
  new Date(seconds * 1000).toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

/** As on the page: cents, hundredths of a percent, milliseconds, or a plain number. */
function say(number, unit) {
  if (number === null) return "–";
  if (unit === "percent") return `${(number / 100).toFixed(2)} %`;
  if (unit !== "cents") return number.toLocaleString("en-US") + (unit === "ms" ? " ms" : "");
  const text = (Math.abs(number) / 100).toLocaleString("en-US", { minimumFractionDigits: 2 });
  return `${number < 0 ? "-" : ""}$${text}`;
}

/** On an axis there is room for little: $1,200 or $1.2M. */
function short(number, unit) {
  const size = Math.abs(unit === "cents" || unit === "percent" ? number / 100 : number);
  const text = size.toLocaleString("en-US", { notation: size >= 100_000 ? "compact" : "standard", maximumFractionDigits: size < 10 ? 2 : 1 });
  return `${number < 0 ? "-" : ""}${unit === "cents" ? "$" : ""}${text}${unit === "percent" ? " %" : ""}`;
}

const number = ({ dataset }) => (dataset.value === "" ? null : Number(dataset.value));   // null leaves a gap

function read(table) {
  const heads = [...table.querySelectorAll("thead th[data-series]")];
  const rows = [...table.querySelectorAll("tbody tr")].reverse();   // the newest stands on top
  const days = rows.map((row) => Date.parse(row.querySelector("time").dateTime) / 1000);
  return {
    days, unit: heads[0].dataset.unit, names: heads.map((head) => head.textContent),
    values: heads.map((_, place) => rows.map((row) => number(row.querySelectorAll("td")[place]))),
  };
}

/** From where to where the upright axis goes: bars stand on zero, and of nothing at all there is a scale to read it by. */
function span(low, high, unit) {
  if (!low && !high) return [0, { cents: 100_00, percent: 10_00 }[unit] ?? 10];
  return [Math.min(0, low * 1.08), Math.max(0, high * 1.08)]; // from zero: a small change looks small
}

function draw(chart) {
  const plot = chart.querySelector("[data-plot]"), said = chart.querySelector("[data-said]");
  if (!plot) return;
  const { days, unit, names, values } = read(chart.querySelector("table"));
  const bars = chart.dataset.chart === "bars";
  // What goes out is drawn below the line.
  const data = values.map((line, place) => (bars && place === 1 ? line.map((one) => one && -one) : line));
  const grid = { stroke: value("--line"), width: 1 }, ink = value("--muted");
  const font = `13px ${getComputedStyle(document.body).fontFamily}`;
  const tell = (at) => {
    const newest = at ?? days.length - 1;
    said.textContent = `${dayWords(days[newest])}: ${names.map((name, i) => `${name} ${say(values[i][newest], unit)}`).join(", ")}`;
  };
  const step = days.length > 1 ? days.at(-1) - days.at(-2) : 86_400;
  drawn.get(plot)?.destroy();
  const bar = uPlot.paths.bars({ size: [0.72, 36], radius: 0.12 });
  drawn.set(plot, new uPlot({
    width: plot.clientWidth, height: 240, tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "UTC"),
    legend: { show: false }, cursor: { y: false, drag: { x: false, y: false } },
    scales: {
      // A bar stands on its day, so the first and the last need half a day more.
      x: { range: (_, from, to) => (bars ? [from - step / 2, to + step / 2] : [from, to]) },
      y: { range: (_, low, high) => span(low, high, unit) },
    },
    axes: [
      { stroke: ink, grid: { show: false }, ticks: grid, font, space: 64, values: (_, at) => at.map((one) => new Date(one * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" })) },
      { stroke: ink, grid, ticks: { show: false }, font, size: 68, values: (_, at) => at.map((one) => short(one, unit)), incrs: unit === "count" ? [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6, 1e7] : undefined },
    ],
    series: [{}, ...names.map((label, place) => ({
      label, stroke: value(colours[place]), width: bars ? 0 : 2.5, points: { show: !bars && data[place].filter((one) => one !== null).length < 3 },
      fill: bars ? value(colours[place]) : place === 0 ? value("--leaf-tint") : undefined, paths: bars ? bar : undefined,
    }))],
    hooks: { setCursor: [({ cursor }) => tell(cursor.idx)] },
  }, [days, ...data], plot));
  tell(null);
}

const charts = () => document.querySelectorAll("[data-chart]");
const all = () => charts().forEach(draw);

// The library is fetched when somebody comes near a picture, and not with the page.
let library;

function near() {
  library ??= new Promise((ready, failed) => {
    const script = document.createElement("script");
    script.src = document.querySelector("[data-uplot]").dataset.uplot;
    Object.assign(script, { onload: ready, onerror: failed });
    document.head.append(script);
  });
  library.then(all, () => { library = undefined; });
}

const watch = new IntersectionObserver((seen) => {
  if (seen.some((one) => one.isIntersecting)) { watch.disconnect(); near(); }
}, { rootMargin: "200px" });
const begin = () => (library ? near() : charts().forEach((chart) => watch.observe(chart)));

begin();
new ResizeObserver(() => {
  for (const [plot, made] of drawn) plot.isConnected && plot.clientWidth !== made.width && made.setSize({ width: plot.clientWidth, height: 240 });
}).observe(document.getElementById("main"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => library?.then(all));

// New figures come by htmx. While somebody reads a table it stays as it is.
document.body.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.id === "charts" && event.detail.elt.querySelector("details[open]")) event.preventDefault();
});
document.body.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.elt.id !== "charts") return;
  for (const [plot, made] of drawn) if (!plot.isConnected) { made.destroy(); drawn.delete(plot); }
  begin();
});
