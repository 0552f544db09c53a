// Draws each figure from the data beside it. Series differ by dash, point and pattern as well as by colour; what is drawn
// here stands in the table below it too. Nothing is computed: the page says every number.
const LOOKS = [
  { tone: "--color-primary-600", dark: "--color-primary-400", dash: [], point: "circle", pattern: null },
  { tone: "--desk-warn", dash: [6, 4], point: "rectRot", pattern: "diagonal" },
  { tone: "--desk-good", dash: [2, 3], point: "triangle", pattern: "dots" },
  { tone: "--desk-info", dash: [10, 3, 2, 3], point: "rect", pattern: "across" },
  { tone: "--desk-bad", dash: [1, 4], point: "crossRot", pattern: "back" },
];
const BAR = 15; // pixels
const drawn = [];

// A colour of the theme as red, green and blue: the library knows no oklch().
function colour(name) {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  context.fillRect(0, 0, 1, 1);
  return `rgb(${[...context.getImageData(0, 0, 1, 1).data].slice(0, 3).join(" ")})`;
}

function isDark() {
  return document.documentElement.classList.contains("dark");
}

function toneOf(look) {
  return colour((isDark() && look.dark) || look.tone);
}

function fill(look) {
  const tone = toneOf(look);
  if (!look.pattern) return tone;
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const context = tile.getContext("2d");
  context.fillStyle = colour("--desk-surface");
  context.fillRect(0, 0, 8, 8);
  context.strokeStyle = context.fillStyle = tone;
  context.lineWidth = 2.5;
  context.beginPath();
  if (look.pattern === "diagonal") for (const x of [-8, 0, 8]) context.moveTo(x, 8), context.lineTo(x + 8, 0);
  if (look.pattern === "back") for (const x of [-8, 0, 8]) context.moveTo(x, 0), context.lineTo(x + 8, 8);
  if (look.pattern === "across") context.moveTo(0, 4), context.lineTo(8, 4);
  if (look.pattern === "dots") context.rect(1, 1, 3, 3), context.rect(5, 5, 3, 3), context.fill();
  context.stroke();
  return context.createPattern(tile, "repeat");
}

function lines(series) {
  return series.map((each, n) => ({
    label: each.label,
    data: each.values,
    borderColor: toneOf(LOOKS[n]),
    backgroundColor: toneOf(LOOKS[n]),
    borderDash: LOOKS[n].dash,
    pointStyle: LOOKS[n].point,
    pointRadius: each.values.length > 45 ? 0 : 3,
    pointHitRadius: 12,
    borderWidth: 2,
    spanGaps: true,
  }));
}

function bars(series) {
  return series.map((each, n) => ({
    label: each.label,
    data: each.values,
    shown: each.shown,
    backgroundColor: fill(LOOKS[n]),
    hoverBackgroundColor: toneOf(LOOKS[n]),
    borderColor: toneOf(LOOKS[n]),
    borderWidth: 1,
    maxBarThickness: BAR,
  }));
}

// Each value beside the end of its bar, in the words of the page.
const values = {
  id: "values",
  afterDatasetsDraw(chart) {
    const { ctx, chartArea } = chart;
    ctx.save();
    ctx.font = "11px " + Chart.defaults.font.family;
    ctx.textBaseline = "middle";
    chart.data.datasets.forEach((set, n) => {
      (set.shown || []).forEach((words, at) => {
        const bar = chart.getDatasetMeta(n).data[at];
        if (set.data[at] === null || !bar) return;
        const fits = bar.x + 6 + ctx.measureText(words).width <= chart.width;
        ctx.textAlign = fits ? "left" : "right";
        ctx.fillStyle = colour("--desk-strong");
        if (!fits) {
          ctx.fillStyle = colour("--desk-surface");
          ctx.fillRect(bar.x - 6 - ctx.measureText(words).width, bar.y - 6, ctx.measureText(words).width + 4, 12);
          ctx.fillStyle = colour("--desk-strong");
        }
        ctx.fillText(words, Math.max(fits ? bar.x + 4 : bar.x - 4, chartArea.left + 4), bar.y);
      });
    });
    ctx.restore();
  },
};

function scale(data) {
  const grid = { color: colour("--desk-line") };
  if (data.unit === "time") {
    const ticks = data.ticks.map(([value, label]) => ({ value, label }));
    return {
      type: "logarithmic",
      min: 0.5, // so that a second has a bar
      grid,
      afterBuildTicks: (axis) => (axis.ticks = ticks.filter((tick) => tick.value <= axis.max)),
      ticks: { callback: (value) => (ticks.find((tick) => tick.value === value) || {}).label, autoSkip: false, maxRotation: 0 },
    };
  }
  const suffix = ["percent", "share"].includes(data.unit) ? " %" : "";
  return {
    beginAtZero: true,
    max: data.unit === "percent" ? 100 : undefined,
    grid,
    ticks: { precision: data.unit ? undefined : 0, maxTicksLimit: 6, maxRotation: 0, callback: (value) => value.toLocaleString() + suffix },
  };
}

// A name in as many lines as its third of the width needs; Chinese breaks anywhere, other words between them.
function wrapped(label, width) {
  const most = Math.max(12, Math.floor(width / 20));
  const lines = [""];
  for (const word of label.match(/[\u3000-\uffef]|[^\s\u3000-\uffef]+\s*/g) || []) {
    const wide = (text) => [...text.trim()].reduce((sum, letter) => sum + (letter > "\u3000" ? 2 : 1), 0);
    if (wide(lines.at(-1) + word) > most && lines.at(-1)) lines.push("");
    lines[lines.length - 1] += word;
  }
  return lines.map((line) => line.trim());
}

function draw(canvas) {
  const data = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
  const across = data.form !== "lines";
  const named = {
    grid: { display: false },
    ticks: across ? { autoSkip: false, crossAlign: "far" } : { maxTicksLimit: 8, maxRotation: 0 },
  };
  const stacked = data.form === "stack";
  const rows = data.labels.length * (stacked ? 1 : data.series.length);
  canvas.parentNode.style.height = across ? `${rows * (BAR + 5) + data.labels.length * 8 + 92}px` : "260px";
  const counted = { ...scale(data), stacked };
  return new Chart(canvas, {
    type: across ? "bar" : "line",
    data: { labels: across ? data.labels.map((label) => wrapped(label, canvas.parentNode.clientWidth)) : data.labels, datasets: across ? bars(data.series) : lines(data.series) },
    plugins: across && !stacked ? [values] : [],
    options: {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      indexAxis: across ? "y" : "x",
      interaction: { mode: "index", axis: across ? "y" : "x", intersect: false },
      layout: { padding: { right: across && !stacked ? 44 : 8 } },
      scales: across ? { x: counted, y: { ...named, stacked } } : { x: named, y: counted },
      plugins: {
        legend: { display: stacked || data.series.length > 1, position: "bottom", align: "start", labels: across ? { boxWidth: 26 } : { usePointStyle: true, boxHeight: 7 } },
        tooltip: {
          callbacks: {
            label: (item) =>
              `${item.dataset.label}: ${(item.dataset.shown || [])[item.dataIndex] || item.formattedValue + (data.unit === "percent" ? " %" : "")}`,
          },
        },
      },
    },
  });
}

function drawAll() {
  while (drawn.length) drawn.pop().destroy();
  Chart.defaults.color = colour("--desk-text");
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  for (const canvas of document.querySelectorAll("canvas[data-chart]")) drawn.push(draw(canvas));
}

drawAll();
let wasDark = isDark();
new MutationObserver(() => {
  if (isDark() !== wasDark) drawAll();
  wasDark = isDark();
}).observe(document.documentElement, { attributeFilter: ["class"] });
