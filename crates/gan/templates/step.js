pageButtons();
/* What folds is a button once there is a script to fold it; without one everything is there. */
const folds = $$("[data-fold]").map((name) => {
  const id = name.dataset.fold, inner = $$(`[data-in="${id}"]`);
  const button = html("button", { type: "button", class: "fold", "data-fold": id, "aria-expanded": "true", "aria-controls": inner.map((part) => part.id).join(" ") }, ...name.childNodes);
  name.replaceWith(button);
  return { id, button, inner, isLayer: !!button.closest(".layer"), open: true };
});
const byId = new Map(folds.map((fold) => [fold.id, fold]));
const around = (fold) => byId.get($(`#${fold.id}`)?.dataset.in);
const show = () => {
  for (const fold of folds) {
    fold.button.setAttribute("aria-expanded", String(fold.open));
    const isShown = fold.open && (around(fold)?.open ?? true);
    for (const part of fold.inner) part.hidden = !isShown;
  }
};
const levels = $$("[data-to]");
const press = (to) => levels.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.to === to)));
const set = (fold, open) => { fold.open = open; press(null); show(); };
const foldTo = (to) => {
  for (const fold of folds) fold.open = to === "ops" || (to === "layers" && !fold.isLayer);
  press(to);
  show();
};
for (const button of levels) button.addEventListener("click", () => foldTo(button.dataset.to));
for (const fold of folds) {
  fold.button.addEventListener("click", () => set(fold, !fold.open));
  fold.button.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const seen = folds.filter((other) => other.button.closest("table") === fold.button.closest("table") && other.button.offsetParent), at = seen.indexOf(fold);
    const go = (to) => to?.button.focus();
    const act = {
      ArrowRight: () => fold.open ? go(seen[at + 1]) : set(fold, true),
      ArrowLeft: () => fold.open ? set(fold, false) : go(around(fold)),
      ArrowDown: () => go(seen[at + 1]), ArrowUp: () => go(seen[at - 1]), Home: () => go(seen[0]), End: () => go(seen.at(-1)),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
/* A box of the picture leads to its row. */
for (const box of $$(".graph [data-row]")) box.addEventListener("click", () => {
  const fold = byId.get(box.dataset.row);
  if (!fold) return;
  if (around(fold)) around(fold).open = true;
  set(fold, true);
  fold.button.focus();
});
$(".tools").hidden = false;
foldTo("layers");
