// Opens the pages of steps: `node step.cjs TOOLS CHROMIUM PAGE…`. They fold by script, by mouse and by keys alone.
"use strict";
const { each, looked, opened } = require("./browser.cjs");

// The rows that are seen, by what they are.
const rows = (page) => page.evaluate(() => {
  const seen = (selector) => [...document.querySelectorAll(selector)].filter((row) => row.offsetParent).length;
  const open = document.activeElement?.getAttribute("aria-expanded");
  return { layers: seen("tbody.layer"), ops: seen("tbody.ops tr"), cuts: seen("tbody.cut"), at: document.activeElement?.dataset.fold, open };
});

// By script: to calls, layers and ops, and all of it back.
async function folded({ page, expect }) {
  const to = async (level) => { await page.evaluate((to) => document.querySelector(`[data-to=${to}]`).click(), level); return rows(page); };
  const [first, ops, calls, layers] = [await rows(page), await to("ops"), await to("calls"), await to("layers")];
  expect(first.layers > 0 && first.ops === 0, `begins with ${first.layers} layers and ${first.ops} ops`);
  expect(ops.ops > ops.layers && ops.layers === first.layers, `unfolds to ${ops.ops} ops`);
  expect(calls.layers === 0 && calls.ops === 0, `folds to ${calls.layers} layers`);
  expect(layers.layers === first.layers && layers.ops === 0, `folds back to ${layers.layers} layers`);
  expect(calls.cuts === first.cuts, "loses its cut by folding");
}

// By keys alone: Tab to a layer, Enter, arrows.
async function keyed({ page, expect }) {
  const press = async (key) => { await page.keyboard.press(key); return rows(page); };
  await page.evaluate(() => document.body.focus());
  let at = await rows(page);
  for (let tabs = 0; tabs < 40 && !at.at; tabs += 1) at = await press("Tab");
  expect(at.at !== undefined && at.open === "true", `Tab leads to ${at.at}, which is open: ${at.open}`);
  const before = at;
  at = await press("Enter");
  expect(at.layers < before.layers && at.open === "false", "Enter does not fold a call");
  at = await press(" ");
  expect(at.layers === before.layers && at.open === "true", "Space does not unfold a call");
  at = await press("ArrowDown");
  expect(at.at !== before.at && at.open === "false" && at.ops === 0, `the arrow down leads to ${at.at}`);
  const layer = at.at;
  at = await press("ArrowRight");
  expect(at.ops > 0 && at.at === layer && at.open === "true", "the arrow to the right does not unfold a layer");
  at = await press("ArrowLeft");
  expect(at.ops === 0 && at.at === layer, "the arrow to the left does not fold a layer");
  at = await press("ArrowLeft");
  expect(at.at === before.at, "the arrow to the left does not lead to the layer's call");
  at = await press("End");
  expect(at.at !== before.at && at.at !== layer, "End does not lead to the last");
  at = await press("Home");
  expect(at.at === before.at, "Home does not lead to the first");
}

// By the picture: a box leads to its row.
async function pointed({ page, expect }) {
  const box = await page.$(".graph [data-row]");
  const row = await box.evaluate((el) => { el.dispatchEvent(new MouseEvent("click", { bubbles: true })); return el.dataset.row; });
  const at = await rows(page);
  expect(at.at === row && at.open === "true" && at.ops > 0, `a box leads to ${at.at} and not to ${row}`);
}

// All of it, for whoever runs no script.
async function read(browser, file) {
  const { page, expect } = await opened(browser, file, { width: 1280, theme: "light", script: false });
  const html = await page.content();
  for (const part of ["<h1", "<table", "<svg class=\"graph\""]) expect(html.includes(part), `has no ${part}`);
  for (const dead of ["button.fold", ".tools:not([hidden])", "tbody[hidden]"]) expect(await page.$(dead) === null, `has ${dead} without a script`);
  await page.close();
}

each(async (browser, file) => {
  for (const width of [1280, 390]) for (const theme of ["light", "dark"]) {
    const open = await looked(browser, file, width, theme);
    await folded(open);
    await keyed(open);
    await pointed(open);
    await open.page.close();
  }
  await read(browser, file);
});
