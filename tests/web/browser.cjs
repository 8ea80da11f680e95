// What scripts that open pages share. They are called `node SCRIPT TOOLS CHROMIUM PAGE…`, where TOOLS has puppeteer-core and axe-core.
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

// Every page, one after the other; then what is wrong is told, and is the exit code.
function each(look) {
  (async () => {
    const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox"], protocolTimeout: 0, timeout: 0 });
    for (const file of pages) await look(browser, file);
    await browser.close();
    wrong.forEach((what) => console.log(what));
    process.exit(wrong.length ? 1 : 0);
  })().catch((error) => { console.log(error.stack); process.exit(2); });
}

module.exports = { each, looked, opened, settled };
