"use strict";
/* Charts in SVG: geometry here, looks in CSS, numbers from the page's data. */
const made = (el, attrs, kids) => {
  for (const [key, value] of Object.entries(attrs)) if (value !== undefined) el.setAttribute(key, value);
  el.append(...kids);
  return el;
};
/* The name of SVG is read off the page's own mark, so that no address stands in the file at all. */
const svg = (name, attrs = {}, ...kids) => made(document.createElementNS(document.querySelector(".brand svg").namespaceURI, name), attrs, kids);
const html = (name, attrs = {}, ...kids) => made(document.createElement(name), attrs, kids);
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

const whole = (n) => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
const number = (x) => {
  const size = Math.abs(x);
  const text = x === 0 ? "0" : size < 1e-3 || size >= 1e5 ? size.toExponential(1).replace("+", "")
    : size >= 1e3 ? whole(size) : size.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
  return (x < 0 ? "−" : "") + text;
};
/* On an axis: no zeros at the end. */
const tick = (x) => (x < 0 ? "−" : "") + (Math.abs(x) >= 1e4 ? whole(Math.abs(x) / 1e3) + "k" : String(+Math.abs(x).toPrecision(6)));
const percent = (x) => `${+(100 * x).toFixed(1)}%`;

const linear = ([a, b], [p, q]) => Object.assign((x) => p + (x - a) / (b - a || 1) * (q - p), { invert: (y) => a + (y - p) / (q - p || 1) * (b - a) });
const logarithmic = ([a, b], range) => { const scale = linear([Math.log10(a), Math.log10(b)], range); return (x) => scale(Math.log10(Math.max(x, a / 10))); };
const ticks = ([a, b], n) => {
  const raw = (b - a) / n, decade = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 2.5, 5, 10].map((m) => m * decade).find((s) => s >= raw * 0.999), out = [];
  for (let t = Math.ceil(a / step - 1e-9) * step; t <= b + step * 1e-6; t += step) out.push(+t.toPrecision(12));
  return out;
};
const decades = ([a, b]) => {
  const from = Math.round(Math.log10(a)), to = Math.round(Math.log10(b)), by = Math.ceil((to - from) / 4), out = [];
  for (let e = from; e <= to; e += by) out.push(10 ** e);
  return out;
};
const power = (x) => { const e = Math.round(Math.log10(x)); return e >= -2 && e <= 3 ? tick(x) : `10${[...String(e)].map((c) => c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]).join("")}`; };
const path = (xs, ys) => xs.map((x, i) => `${i ? "L" : "M"}${x.toFixed(1)},${ys[i].toFixed(1)}`).join("");
const nearest = (xs, x) => {
  let low = 0, high = xs.length - 1;
  while (high - low > 1) { const mid = (low + high) >> 1; xs[mid] <= x ? (low = mid) : (high = mid); }
  return x - xs[low] <= xs[high] - x ? low : high;
};

/* The mark that goes with a colour: G is a disc, D a square, what is real a ring. */
const SIGNS = { g: "●", d: "■", ink: "○" };
const mark = (kind, x, y) => kind === "d" ? svg("rect", { x: x - 4, y: y - 4, width: 8, height: 8, class: "fill dot" }) : svg("circle", { cx: x, cy: y, r: 4.2, class: "fill dot" });

/* One moment for the whole page. */
const Time = {
  at: 0, first: 0, last: 1, heard: [],
  set(step) { this.at = clamp(Math.round(step), this.first, this.last); this.heard.forEach((hear) => hear(this.at)); },
  on(hear) { this.heard.push(hear); },
};

/* Draws again when the place has another width: not while it is being drawn. */
const onWidth = (root, draw) => {
  let width = -1;
  new ResizeObserver(() => { if (root.clientWidth !== width) { width = root.clientWidth; requestAnimationFrame(draw); } }).observe(root);
};

/* Names at the ends of lines: none on another. */
const apart = (ends) => {
  ends.sort((a, b) => a.y - b.y);
  ends.forEach((end, i) => { end.at = i ? Math.max(end.y, ends[i - 1].at + 15) : end.y; });
  return ends;
};

/* A chart of lines, as the program describes it. `place` says where the points of a line are, and how x is told. */
function lineChart(root, spec, place = {}) {
  const xOf = place.of ?? ((s) => s.x), moves = !place.of, tell = spec.percent ? percent : spec.log ? power : tick;
  const draw = () => {
    const W = Math.max(200, root.clientWidth), H = spec.height, narrow = W < 420, brief = (s) => narrow ? s.name.slice(0, moves ? 6 : 1) : s.name, most = Math.max(...spec.series.map((s) => brief(s).length));
    const m = { t: 18, r: spec.names ? 14 + 7.5 * most : 10, b: 24, l: 40 };
    const xs = spec.series.flatMap((s) => [xOf(s)[0], xOf(s).at(-1)]), xd = moves ? [Time.first, Time.last] : [Math.min(...xs), Math.max(...xs)];
    const X = linear(xd, [m.l, W - m.r]), Y = (spec.log ? logarithmic : linear)(spec.domain, [H - m.b, m.t]);
    const el = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": spec.alt });
    for (const t of spec.log ? decades(spec.domain) : ticks(spec.domain, H < 180 ? 3 : 4))
      el.append(svg("line", { class: "grid", x1: m.l, x2: W - m.r, y1: Y(t), y2: Y(t) }), svg("text", { x: m.l - 7, y: Y(t) + 4, "text-anchor": "end" }, tell(t)));
    if (spec.unit) el.append(svg("text", { x: 0, y: 8 }, spec.unit));
    for (const t of ticks(xd, narrow ? 3 : 5)) el.append(svg("text", { x: X(t), y: H - 7, "text-anchor": "middle" }, place.tell ? place.tell(t) : whole(t)));
    el.append(svg("line", { class: "axis", x1: m.l, x2: W - m.r, y1: H - m.b, y2: H - m.b }));
    const clip = `clip-${root.id}`, ends = [];
    el.append(svg("clipPath", { id: clip }, svg("rect", { x: m.l - 2, y: m.t - 10, width: W - m.r - m.l + 4, height: H - m.b - m.t + 11 })));
    for (const s of spec.series) {
      const group = svg("g", { class: `k-${s.kind}`, "clip-path": `url(#${clip})` });
      if (s.raw_x && moves) group.append(svg("path", { class: "raw", d: path(s.raw_x.map(X), s.raw_y.map(Y)) }));
      group.append(svg("path", { class: "line", d: path(xOf(s).map(X), s.y.map(Y)) }));
      if (s.points && s.x.length < 80) xOf(s).forEach((x, i) => group.append(svg("circle", { class: "fill", cx: X(x), cy: Y(s.y[i]), r: 2 })));
      el.append(group);
      ends.push({ s, y: Y(s.y.at(-1)) });
    }
    for (const level of spec.levels) el.append(
      svg("line", { class: "level", x1: m.l, x2: W - m.r, y1: Y(level.y), y2: Y(level.y) }),
      svg("text", { class: "level", x: W - m.r - 4, y: Y(level.y) - 4, "text-anchor": "end" }, level.text));
    if (spec.names) for (const end of apart(ends)) el.append(svg("g", { class: `k-${end.s.kind}` }, svg("text", { class: "lab", x: W - m.r + 8, y: end.at + 4 }, brief(end.s))));
    root.replaceChildren(el);
    if (moves) cursor(root, spec, el, { X, Y, W, H, m });
  };
  const first = !root.again;
  root.again = draw;
  if (first) onWidth(root, () => root.again());
  draw();
  if (first && moves) Time.on((step) => root.point?.(step));
}

/* The moment in a chart of lines: shown, read, and chosen. */
function cursor(root, spec, el, { X, Y, W, H, m }) {
  const layer = svg("g", { "aria-hidden": "true" }), read = $(`[data-of="${root.id}"]`);
  el.append(layer);
  root.point = (step) => {
    layer.replaceChildren(svg("line", { class: "now", x1: X(step), x2: X(step), y1: m.t - 4, y2: H - m.b }));
    const told = spec.series.map((s) => { const i = nearest(s.x, step); return { s, x: s.x[i], y: s.y[i] }; });
    for (const { s, x, y } of told) layer.append(svg("g", { class: `k-${s.kind}` }, mark(s.kind, X(x), clamp(Y(y), m.t - 8, H - m.b))));
    read?.replaceChildren(...told.map(({ s, y }) => html("span", { class: s.kind }, `${SIGNS[s.kind] ?? ""} ${spec.names ? s.name + " " : ""}`, html("b", {}, spec.percent ? percent(y) : number(y)))));
  };
  const at = (event) => { const box = el.getBoundingClientRect(); return clamp(X.invert((event.clientX - box.left) / box.width * W), Time.first, Time.last); };
  el.classList.add("drag");
  el.addEventListener("pointerdown", (event) => { root.held = true; Time.set(at(event)); });
  el.addEventListener("pointermove", (event) => root.held ? Time.set(at(event)) : root.point(at(event)));
  for (const end of ["pointerup", "pointercancel", "pointerleave"]) el.addEventListener(end, () => { root.held = false; root.point(Time.at); });
  root.point(Time.at);
}

/* Fakes as bars, and over them reals as a line of ink. */
function histogram(root, wanted) {
  const first = !root.wanted;
  root.wanted = wanted;
  if (first) onWidth(root, () => root.draw());
  root.draw = () => {
    const { real, fake, range, names, below, alt } = root.wanted, W = Math.max(200, root.clientWidth), H = 190, m = { l: 12, r: 12, t: 18, b: 38 };
    const share = (bins) => { const all = bins.reduce((a, b) => a + b, 0) || 1; return bins.map((n) => n / all); };
    const f = share(fake), r = real ? share(real) : [], top = Math.max(...f, ...r, 1e-9) * 1.08;
    const X = linear([0, f.length], [m.l, W - m.r]), V = linear(range, [m.l, W - m.r]), Y = linear([0, top], [H - m.b, m.t]);
    const el = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": alt });
    el.append(svg("g", { class: "k-g" }, ...f.map((v, i) => svg("rect", { class: "fill", opacity: 0.8, x: X(i) + 0.5, width: Math.max(0.5, X(1) - X(0) - 1), y: Y(v), height: Y(0) - Y(v) }))));
    if (real) el.append(svg("g", { class: "k-ink" }, svg("path", { class: "line", d: r.map((v, i) => `${i ? "L" : "M"}${X(i)},${Y(v)}L${X(i + 1)},${Y(v)}`).join("") })));
    el.append(svg("line", { class: "axis", x1: m.l, x2: W - m.r, y1: Y(0), y2: Y(0) }));
    for (const t of ticks(range, 4)) el.append(svg("text", { x: V(t), y: H - 22, "text-anchor": "middle" }, tick(t)));
    el.append(svg("text", { x: m.l, y: H - 5 }, below[0]), svg("text", { x: W - m.r, y: H - 5, "text-anchor": "end" }, below[1]));
    const peak = (bins) => [clamp(X(bins.indexOf(Math.max(...bins)) + 0.5), m.l + 34, W - m.r - 34), Y(Math.max(...bins)) - 5];
    const labels = [[f, "g", names[1]], [r, "ink", names[0]]].filter(([bins]) => bins.length).map(([bins, kind, name]) => ({ at: peak(bins), kind, name }));
    if (labels.length === 2 && Math.abs(labels[0].at[0] - labels[1].at[0]) < 80 && Math.abs(labels[0].at[1] - labels[1].at[1]) < 14)
      labels.forEach((label, i) => { label.at[0] = clamp(label.at[0], m.l + 80, W - m.r - 80) + (i ? 44 : -44); });
    for (const { at, kind, name } of labels) el.append(svg("g", { class: `k-${kind}` }, svg("text", { class: "lab", x: at[0], y: at[1], "text-anchor": "middle" }, name)));
    root.replaceChildren(el);
  };
  root.draw();
}

/* The theme is the system's, until somebody says otherwise. */
function themeButton(button) {
  const root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const say = () => { button.setAttribute("aria-label", isDark() ? "Switch to light" : "Switch to dark"); button.textContent = isDark() ? "☀" : "☾"; dispatchEvent(new Event("theme")); };
  button.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; say(); });
  system.addEventListener("change", say);
  button.hidden = false;
  say();
}
function pageButtons() {
  themeButton($("#theme"));
  $("#print").hidden = false;
  $("#print").addEventListener("click", () => print());
  for (const button of $$("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const was = button.textContent, text = $(`#${button.dataset.copy}`);
      try { await navigator.clipboard.writeText(text.textContent); button.textContent = "Copied"; } catch { getSelection().selectAllChildren(text); button.textContent = "Selected: press Ctrl+C"; }
      setTimeout(() => { button.textContent = was; }, 1500);
    });
  }
}
