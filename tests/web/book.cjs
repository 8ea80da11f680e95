// Opens the book's pages as a browser does: `node book.cjs TOOLS CHROMIUM PAGE…`, where TOOLS has puppeteer-core.
// What is wrong is told, a line each, and is the exit code.
"use strict";
const { createRequire } = require("node:module");
const { dirname, join } = require("node:path");
const { pathToFileURL } = require("node:url");
const [tools, chromium, ...pages] = process.argv.slice(2);
const puppeteer = createRequire(join(tools, "package.json"))("puppeteer-core");
const wrong = [];
// What is being looked at, for messages, and the folder from which its page may load.
let name = "", own = "";

// What a reader sees. Text that goes beyond its place is no scrolling of the whole: mdbook hides that.
const seen = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
  const main = document.querySelector("main") ?? document.body, right = main.getBoundingClientRect().right + 1;
  const scrolls = (el) => el !== main && (["auto", "scroll", "hidden"].includes(getComputedStyle(el).overflowX) || scrolls(el.parentElement));
  const beyond = [...main.querySelectorAll("*")].filter((el) => el.getBoundingClientRect().right > right && !scrolls(el.parentElement));
  const [r, g, b] = getComputedStyle(document.documentElement).backgroundColor.match(/\d+/g).map(Number);
  done({
    over: Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) - innerWidth,
    beyond: beyond.map((el) => el.outerHTML.slice(0, 80)),
    broken: [...document.images].filter((image) => image.complete && !image.naturalWidth).map((image) => image.src),
    isDark: r + g + b < 384,
  });
})));

// One page at one width, light and dark.
async function looked(page, file, width) {
  own = `${pathToFileURL(dirname(file)).href}/`;
  name = `${file}, ${width} pixels`;
  await page.setViewport({ width, height: 900 });
  await page.goto(pathToFileURL(file).href, { waitUntil: "load", timeout: 0 });
  for (const theme of ["light", "dark"]) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
    const { over, beyond, broken, isDark } = await page.evaluate(seen);
    const expect = (holds, what) => { if (!holds) wrong.push(`${name}, ${theme}: ${what}`); };
    expect(over <= 0, `is ${over} pixels too wide`);
    expect(beyond.length === 0, `goes beyond its place: ${beyond[0]}`);
    expect(broken.length === 0, `has broken pictures: ${broken}`);
    expect(isDark === (theme === "dark"), "is in the other theme");
  }
}

(async () => {
  const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox"], protocolTimeout: 0, timeout: 0 });
  const page = await browser.newPage();
  page.on("console", (message) => wrong.push(`${name}: console says ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(`${name}: ${error.message}`));
  page.on("request", (request) => { if (!request.url().startsWith("data:") && !request.url().startsWith(own)) wrong.push(`${name}: asks for ${request.url()}`); });
  page.on("requestfailed", (request) => wrong.push(`${name}: ${request.url()} does not come`));
  // A list of contents is a frame, and no page that anybody opens.
  for (const file of pages.filter((file) => !file.endsWith("toc.html"))) for (const width of [1280, 390]) await looked(page, file, width);
  await browser.close();
  wrong.forEach((what) => console.log(what));
  process.exit(wrong.length ? 1 : 0);
})().catch((error) => { console.log(error.stack); process.exit(2); });
