// Figures that answer: a slider under each shows the frames that its notebook has drawn, one a move.
for (const figure of document.querySelectorAll("figure[data-frames]:not(:has(input))")) {
  const image = figure.querySelector("img");
  const { label, unit, start, frames } = JSON.parse(figure.dataset.frames);
  frames[start].src = image.src;
  const slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: frames.length - 1, value: start });
  const name = document.createElement("label"), value = document.createElement("output"), row = document.createElement("div");
  const show = () => {
    const frame = frames[slider.value];
    image.src = frame.src;
    image.alt = frame.alt;
    value.textContent = unit ? `${frame.value}\u00a0${unit}` : frame.value;
    slider.setAttribute("aria-valuetext", value.textContent);
  };
  const load = () => frames.map((frame) => (frame.image ??= Object.assign(new Image(), { src: frame.src })));
  slider.addEventListener("input", show);
  for (const touch of ["pointerdown", "focus"]) slider.addEventListener(touch, load, { once: true });
  // While it has the focus the arrows are the slider's; Escape gives them back to the deck or the notebook.
  slider.addEventListener("keydown", (event) => {
    if (event.key === "Escape") slider.blur();
    if (event.key !== "Tab") event.stopPropagation();
  });
  row.dataset.lmSuppressShortcuts = row.dataset.preventSwipe = "true";
  row.style.cssText = "display: flex; flex-wrap: wrap; justify-content: center; align-items: center; gap: 0 0.6em; margin: 0.3em 0;";
  slider.style.cssText = "width: min(20em, 60vw); height: 2em; margin: 0; touch-action: pan-y;";
  value.style.cssText = "min-width: 4em; text-align: left; font-variant-numeric: tabular-nums;";
  value.setAttribute("aria-live", "off"); // the slider speaks its value itself
  name.append(`${label} `, slider);
  name.style.cssText = "display: contents;";
  row.append(name, value);
  image.after(row);
  show();
}
