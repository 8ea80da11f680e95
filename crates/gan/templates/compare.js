const DATA = JSON.parse($("#data").textContent);
pageButtons();
/* A run is told by hue, dash and letter. */
const axes = {
  images: () => ({ of: (s) => s.x, tell: (t) => t >= 1e6 ? `${+(t / 1e6).toPrecision(4)}M` : t >= 1e3 ? `${+(t / 1e3).toPrecision(4)}k` : whole(t) }),
  seconds: (k) => ({ of: (s) => DATA.seconds[k][DATA.charts[k].series.indexOf(s)], tell: (t) => `${+t.toPrecision(3)} s` }),
};
const draw = (axis) => DATA.charts.forEach((chart, k) => lineChart($(`#${chart.id}`), chart, axes[axis](k)));
const buttons = $$("[data-axis]");
for (const button of buttons) button.addEventListener("click", () => { buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button))); draw(button.dataset.axis); });
if (buttons.length) { $("#axis").hidden = false; draw("images"); }
