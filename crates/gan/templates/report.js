const DATA = JSON.parse($("#data").textContent);
Object.assign(Time, { first: DATA.first, last: DATA.last, at: DATA.last });
pageButtons();
for (const chart of DATA.charts) { const root = document.getElementById(chart.id); if (root) lineChart(root, chart); }

/* What D says, and how its layers learn. */
const moments = DATA.moments;
function says(step) {
  const told = moments.filter((m) => m.answers);
  if (!told.length) return;
  const m = told[nearest(told.map((t) => t.step), step)], { real, fake, range, auc } = m.answers, critic = DATA.critic;
  histogram($("#c-hist"), { real, fake, range, names: ["○ D(x)", "● D(G(z))"], below: critic ? ["← lower", "higher →"] : ["← D says fake", "D says real →"], alt: `D’s answers at step ${m.step}: it ranks a real above a fake ${percent(auc)} of the time` });
  $("#auc").replaceChildren(`at step ${whole(m.step)} · ranks a real above a fake `, html("b", {}, percent(auc)), " of the time");
}
function layers(step) {
  const told = moments.filter((m) => m.layers);
  if (!told.length) return;
  const m = told[nearest(told.map((t) => t.step), step)];
  for (const bars of $$("[data-net]")) {
    const values = m.layers[bars.dataset.net] ?? [];
    $$(".bar", bars).forEach((bar, i) => { bar.style.width = `${values[i]?.[1] ?? 0}%`; });
    $$(".v", bars).forEach((v, i) => { v.textContent = values[i] ? number(values[i][0]) : "–"; });
  }
  for (const at of $$(".layers .at")) at.textContent = `step ${whole(m.step)}`;
}
function strips() {
  const told = moments.filter((m) => m.answers);
  if (!$("#strips") || told.length < 2) return;
  $("#strips").hidden = false;
  const steps = told.map((t) => t.step);
  const paint = () => {
    const css = getComputedStyle(document.documentElement);
    for (const [id, key, colour] of [["#s-real", "real", "--ink"], ["#s-fake", "fake", "--g"]]) {
      const canvas = $(id), c = canvas.getContext("2d"), n = canvas.width, high = canvas.height;
      c.globalAlpha = 1;
      c.clearRect(0, 0, n, high);
      c.fillStyle = css.getPropertyValue(colour);
      for (let x = 0; x < n; x++) {
        const bins = told[nearest(steps, Time.first + (x + 0.5) / n * (Time.last - Time.first))].answers[key], all = bins.reduce((a, b) => a + b, 0) || 1;
        bins.forEach((v, k) => { c.globalAlpha = Math.min(1, Math.sqrt(3 * v / all)); c.fillRect(x, high * (1 - (k + 1) / bins.length), 1, high / bins.length); });
      }
    }
  };
  paint();
  addEventListener("theme", paint);
}
strips();

/* How many samples are of each class, beside even shares. */
function classes(step) {
  const root = $("#c-classes");
  if (!root) return;
  const draw = () => {
    const m = DATA.classes[nearest(DATA.classes.map((c) => c.step), Time.at)], n = m.shares.length, W = Math.max(200, root.clientWidth), H = 140, top = Math.max(...m.shares, 2 / n) * 1.05;
    const X = linear([0, n], [4, W - 4]), Y = linear([0, top], [H - 24, 10]), even = Y(1 / n);
    const el = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": "Share of each class among samples: " + m.shares.slice(0, 20).map((v, k) => `${k}: ${percent(v)}`).join(", ") });
    m.shares.forEach((v, k) => {
      el.append(svg("g", { class: "k-g" }, svg("rect", { class: "fill", x: X(k) + Math.min(3, (X(1) - X(0)) / 5), width: Math.max(0.5, (X(1) - X(0)) * 0.7), y: Y(v), height: Y(0) - Y(v) })));
      if (n <= 20) el.append(svg("text", { x: X(k + 0.5), y: H - 7, "text-anchor": "middle" }, k));
    });
    el.append(svg("line", { class: "level", x1: 4, x2: W - 4, y1: even, y2: even }), svg("text", { class: "level", x: W - 6, y: even - 4, "text-anchor": "end" }, "even"));
    root.replaceChildren(el);
    $("#classes-at").textContent = `step ${whole(m.step)}`;
  };
  if (!root.dataset.drawn) { root.dataset.drawn = "yes"; onWidth(root, draw); }
  draw();
}

/* A place on a sheet of tiles, chosen by pointer or arrow keys. */
const grid = (el) => { const css = getComputedStyle(el), of = (name) => +css.getPropertyValue(name); return { columns: of("--columns"), rows: of("--rows"), x: of("--x"), y: of("--y") }; };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
function choose(sheet, holder, { columns, rows }, label, chosen) {
  const set = (x, y) => { holder.style.setProperty("--x", x); holder.style.setProperty("--y", y); chosen(x, y); };
  const at = (event) => { const box = sheet.getBoundingClientRect(), part = (p, from, size, n) => clamp(Math.floor((p - from) / size * n), 0, n - 1); set(part(event.clientX, box.left, box.width, columns), part(event.clientY, box.top, box.height, rows)); };
  const pad = html("span", { class: "sheet-pad", tabindex: "0", role: "application", "aria-label": label });
  sheet.append(pad);
  pad.addEventListener("pointerdown", at);
  pad.addEventListener("pointermove", (event) => { if (event.buttons) at(event); });
  pad.addEventListener("keydown", (event) => {
    const by = ARROWS[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const now = grid(holder), far = event.shiftKey ? 3 : 1;
    set(clamp(now.x + far * by[0], 0, columns - 1), clamp(now.y + far * by[1], 0, rows - 1));
  });
  return set;
}

/* Samples over time. */
const film = $("#film"), frames = film ? $$("button", film) : [], steps = frames.map((b) => +b.dataset.step);
for (const button of frames) button.addEventListener("click", () => Time.set(+button.dataset.step));
if ($("#frame")) {
  const holder = $(".evolve"), size = grid(holder), which = (x, y) => { $("#which").textContent = `row ${y + 1}, column ${x + 1}`; };
  choose($("#frame"), holder, size, "Choose a sample to follow with the arrow keys", (x, y) => { which(x, y); $("#live").textContent = $("#which").textContent; });
  which(size.x, size.y);
}
function samples(step) {
  if (!frames.length) return;
  const i = nearest(steps, step), big = $("#frame img");
  if (big) { big.src = $("img", frames[i]).src; big.alt = `Samples at step ${whole(steps[i])}`; }
  frames.forEach((button, k) => k === i ? button.setAttribute("aria-current", "true") : button.removeAttribute("aria-current"));
  $("#picked").textContent = `picture of step ${whole(steps[i])}`;
}

/* Latent space. */
const walk = $("#walk");
if (walk) {
  const size = grid(walk), slider = $("input", walk), button = $("button", walk), last = +slider.max;
  const show = (i) => { slider.value = i; slider.style.setProperty("--fill", `${i / last * 100}%`); walk.style.setProperty("--x", i % size.columns); walk.style.setProperty("--y", Math.floor(i / size.columns)); };
  slider.hidden = button.hidden = false;
  slider.addEventListener("input", () => show(+slider.value));
  $(".sheet", walk).addEventListener("pointerdown", (event) => { const box = event.currentTarget.getBoundingClientRect(), part = (p, from, size, n) => clamp(Math.floor((p - from) / size * n), 0, n - 1); show(part(event.clientX, box.left, box.width, size.columns) + size.columns * part(event.clientY, box.top, box.height, size.rows)); });
  let playing = 0;
  button.addEventListener("click", () => {
    playing = playing ? (clearInterval(playing), 0) : setInterval(() => show((+slider.value + 1) % (last + 1)), 140);
    button.textContent = playing ? "❚❚ Pause" : "▶ Play";
  });
  show(0);
}
const plane = $("#plane");
if (plane) {
  const size = grid(plane), told = (x, y) => { $(".hint", plane).textContent = `across ${(x / (size.columns - 1)).toFixed(2)}, down ${(y / (size.rows - 1)).toFixed(2)}`; };
  choose($(".sheet", plane), plane, size, "A point on the plane; move with the arrow keys", (x, y) => { told(x, y); $("#live").textContent = $(".hint", plane).textContent; });
  told(size.x, size.y);
}
if (DATA.near) {
  const { samples: fake, unseen: real, end } = DATA.near;
  histogram($("#c-near"), { real, fake, range: [0, end], names: ["○ test images", "● samples"], below: ["← a copy", "distance to the nearest training image"], alt: "How far samples are from their nearest training images" + (real ? ", beside how far test images are" : "") });
}

/* Time. */
const bar = $("#timebar");
if (DATA.last > DATA.first && (DATA.charts.length || frames.length > 1)) {
  const slider = $("#time"), when = $("#when"), share = (step) => (step - Time.first) / (Time.last - Time.first);
  const epoch = (step) => DATA.epochs ? (step * DATA.epochs).toFixed(2) : "";
  bar.hidden = false;
  Object.assign(slider, { min: Time.first, max: Time.last });
  $("#marks").append(...steps.map((step) => html("i", { style: `left:${100 * clamp(share(step), 0, 1)}%` })));
  slider.addEventListener("input", () => Time.set(+slider.value));
  Time.on((step) => {
    slider.value = step;
    slider.style.setProperty("--fill", `${100 * share(step)}%`);
    slider.setAttribute("aria-valuetext", `step ${step}` + (DATA.epochs ? `, epoch ${epoch(step)}` : ""));
    when.replaceChildren("step ", html("b", {}, whole(step)), ` of ${whole(Time.last)}`, ...(DATA.epochs ? [" · epoch ", html("b", {}, epoch(step))] : []));
    for (const line of $$(".strip + i")) line.style.left = `${100 * share(step)}%`;
  });
  const stops = frames.length > 1 ? steps : Array.from({ length: 40 }, (_, i) => Time.first + i / 39 * (Time.last - Time.first));
  const play = $("#play");
  let playing = 0;
  const stop = () => { playing = (clearInterval(playing), 0); play.textContent = "▶"; play.setAttribute("aria-label", "Play the run"); };
  play.addEventListener("click", () => {
    if (playing) return stop();
    let i = Time.at >= Time.last ? -1 : nearest(stops, Time.at);
    play.textContent = "❚❚";
    play.setAttribute("aria-label", "Pause");
    playing = setInterval(() => { i += 1; i < stops.length ? Time.set(stops[i]) : stop(); }, 500);
  });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, button, a, summary, [tabindex]")) return;
    const i = nearest(stops, Time.at), to = { ArrowRight: stops[Math.min(i + 1, stops.length - 1)], ArrowLeft: stops[Math.max(i - 1, 0)] }[event.key];
    if (to !== undefined) Time.set(to);
    if (event.key === " ") { event.preventDefault(); play.click(); }
  });
}
for (const hear of [samples, says, layers, classes]) Time.on(hear);
Time.set(Time.last);

const spy = new IntersectionObserver((seen) => { for (const part of seen) if (part.isIntersecting) for (const link of $$("nav.toc a")) link.classList.toggle("here", link.hash === `#${part.target.id}`); }, { rootMargin: "-30% 0px -60% 0px" });
for (const part of $$("section.part[id]")) spy.observe(part);
