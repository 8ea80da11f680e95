// Opens pages as a browser does: `node pages.cjs TOOLS CHROMIUM PAGE…`, where TOOLS has puppeteer-core and axe-core.
// What is wrong is told, a line each, and is the exit code.
"use strict";
const { each, looked, opened } = require("./browser.cjs");

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

each(async (browser, file) => {
  for (const width of [1280, 390]) for (const theme of ["light", "dark"]) {
    const open = await looked(browser, file, width, theme);
    await used(open);
    await open.page.close();
  }
  await read(browser, file);
});
