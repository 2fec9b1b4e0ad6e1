// Draws the figures of this page in the colours of its theme, and again when the theme changes.
// Figures name three colours of the page: "ink", "card" and "node".
const figures = JSON.parse(document.getElementById("figures").textContent);
const page = getComputedStyle(document.documentElement);
const tint = (name) => page.getPropertyValue("--" + name).trim();
const NAMED = new Set(["ink", "card", "node"]);

function coloured(value) {
  if (typeof value === "string") return NAMED.has(value) ? tint(value) : value;
  if (Array.isArray(value)) return value.map(coloured);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, key === "text" ? item : coloured(item)]));
}

function axis(given) {
  const theme = { gridcolor: tint("grid"), zerolinecolor: tint("soft"), linecolor: tint("rule"), automargin: true };
  return { ...theme, ...given, title: { font: { size: 13, color: tint("soft") }, ...(given || {}).title } };
}

function layout(given) {
  const plain = coloured(given);
  const axes = ["xaxis", "yaxis", ...Object.keys(plain).filter((name) => /^[xy]axis\d+$/.test(name))];
  const annotations = (plain.annotations || []).map((note) => ({
    arrowcolor: tint("soft"), font: { size: 12, color: tint("ink") }, ...note,
  }));
  const menus = (plain.updatemenus || []).map((menu) => ({
    bgcolor: tint("card"), bordercolor: tint("rule"), font: { size: 12, color: tint("soft") }, ...menu,
  }));
  return {
    margin: { l: 16, r: 34, t: 16, b: 48 }, ...plain, annotations, updatemenus: menus,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "Inter, Segoe UI, system-ui, Helvetica Neue, Arial, Liberation Sans, sans-serif", size: 13.5, color: tint("ink") },
    hoverlabel: { bgcolor: tint("card"), bordercolor: tint("rule"), font: { color: tint("ink") } },
    ...Object.fromEntries(axes.map((name) => [name, axis(plain[name])])),
  };
}

const CONFIG = { responsive: true, displayModeBar: false };

function draw() {
  for (const [id, figure] of Object.entries(figures)) {
    Plotly.react(id, coloured(figure.data), layout(figure.layout), CONFIG);
  }
}

draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
