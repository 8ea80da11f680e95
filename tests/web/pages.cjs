// Opens pages as a browser does: `node pages.cjs TOOLS CHROMIUM PAGE…`, where TOOLS has puppeteer-core and axe-core.
// What is wrong is told, a line each, and is the exit code.
"use strict";
const { createRequire } = require("node:module");
const { join } = require("node:path");
const [tools, chromium, ...pages] = process.argv.slice(2);
const load = createRequire(join(tools, "package.json"));
const puppeteer = load("puppeteer-core");
const axe = require("node:fs").readFileSync(load.resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const wrong = [];

// A page at a width and in a theme, with everything that it says or asks for.
async function opened(browser, file, { width, theme, script = true }) {
  const page = await browser.newPage(), name = `${file} at ${width} pixels, ${theme}${script ? "" : ", without script"}`;
  const expect = (holds, what) => { if (!holds) wrong.push(`${name}: ${what}`); };
  page.on("console", (message) => wrong.push(`${name}: console says ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(`${name}: ${error.message}`));
  page.on("request", (request) => expect(/^(data:|file:)/.test(request.url()) && (request.url().startsWith("data:") || request.isNavigationRequest()), `asks for ${request.url()}`));
  await page.setJavaScriptEnabled(script);
  await page.setViewport({ width, height: 900, isMobile: width < 600 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
  await page.goto(`file://${file}`, { waitUntil: "load", timeout: 0 });
  return { page, expect };
}

const settled = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done)))));

// What anybody can see and reach.
async function looked(browser, file, width, theme) {
  const { page, expect } = await opened(browser, file, { width, theme });
  await settled(page);
  const seen = await page.evaluate(() => ({
    over: document.documentElement.scrollWidth - innerWidth,
    broken: [...document.images].filter((image) => image.complete && !image.naturalWidth).length,
    charts: [...document.querySelectorAll(".chart")].filter((chart) => !chart.querySelector("svg[role=img][aria-label]")).map((chart) => chart.id),
  }));
  expect(seen.over <= 0, `is ${seen.over} pixels too wide`);
  expect(seen.broken === 0, `${seen.broken} pictures are broken`);
  expect(seen.charts.length === 0, `nothing is drawn in ${seen.charts}`);
  await page.evaluate(axe);
  const { violations } = await page.evaluate((values) => globalThis.axe.run(document, { runOnly: values }), RULES);
  for (const { id, nodes } of violations) expect(false, `axe: ${id} ${nodes[0].html.slice(0, 200)} ${nodes[0].failureSummary}`);
  return { page, expect };
}

// The moment, by keys and by the pictures; the theme.
async function used({ page, expect }) {
  const background = () => page.evaluate(() => getComputedStyle(document.body.parentElement).backgroundColor);
  const before = await background();
  await page.click("#theme");
  expect(await background() !== before, "has one theme");
  if (await page.$("#timebar:not([hidden])")) {
    const when = () => page.$eval("#when", (el) => el.textContent);
    const last = await when();
    await page.focus("#time");
    await page.keyboard.press("Home");
    const first = await when();
    expect(first !== last, "Home does not go to the first step");
    await page.keyboard.press("End");
    expect(await when() === last, "End does not go to the last step");
    if (await page.$("#film button")) {
      await page.click("#film button");
      expect(await page.$eval("#film button", (el) => el.getAttribute("aria-current")) === "true", "a moment is not chosen by its picture");
      expect(await when() !== last, "a picture does not go to its step");
    }
  }
  if (await page.$("[data-axis=seconds]")) {
    const drawn = () => page.$eval(".chart", (el) => el.innerHTML);
    const images = await drawn();
    await page.click("[data-axis=seconds]");
    expect(await drawn() !== images, "seconds are the same as images");
  }
  await page.emulateMediaType("print");
  expect(await page.evaluate(() => [...document.querySelectorAll(".timebar, .btn, nav.toc")].every((el) => !el.offsetParent || getComputedStyle(el).display === "none")), "prints its buttons");
}

// The answer, the pictures and the tables, for whoever runs no script.
async function read(browser, file) {
  const { page, expect } = await opened(browser, file, { width: 1280, theme: "light", script: false });
  const html = await page.content();
  for (const part of ["<h1", "<table", "data:image/png"]) expect(html.includes(part), `has no ${part}`);
  expect(await page.$("#timebar:not([hidden])") === null, "shows a slider that does nothing");
  await page.close();
}

(async () => {
  const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox"], protocolTimeout: 0, timeout: 0 });
  for (const file of pages) {
    for (const width of [1280, 390]) for (const theme of ["light", "dark"]) {
      const open = await looked(browser, file, width, theme);
      await used(open);
      await open.page.close();
    }
    await read(browser, file);
  }
  await browser.close();
  wrong.forEach((what) => console.log(what));
  process.exit(wrong.length ? 1 : 0);
})().catch((error) => { console.log(error.stack); process.exit(2); });
