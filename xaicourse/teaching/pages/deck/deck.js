// Put the blocks on slides, as large as they can be, and start the deck. The page does this, because it can measure.
(async () => {
  await MathJax.startup.promise;
  await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
  const slides = document.querySelector(".reveal .slides");
  for (const code of slides.querySelectorAll("pre")) {
    code.tabIndex = 0; // what may scroll can be scrolled by key
    code.classList.toggle("wrapped", Math.max(...code.textContent.split("\n").map((line) => line.length)) > 105);
  }
  const answers = [...slides.querySelectorAll("details")].sort((a, b) => a.textContent.length - b.textContent.length);
  for (const answer of answers) { // one is open at a time, and there is room for the longest
    answer.name = answer.closest(".block").textContent;
    answer.open = true;
  }

  // The size of the text in per cent and the height of a figure in em, from the best to what is just readable: at 75 the
  // smallest letters have 16 pixels.
  const WITH_OTHERS = [94, 14], ALONE = [80, 11];
  const SIZES = [
    [130, 16], [122, 16], [114, 16], [107, 16], [100, 16], [94, 16], WITH_OTHERS, [88, 14], [80, 16], [80, 14], [80, 12.5], ALONE,
    [75, 11], [75, 9],
  ];
  let title = "", stack = null, slide = null;

  const open = (heading) => {
    if (heading !== undefined || !stack) slides.append(stack = document.createElement("section"));
    stack.append(slide = document.createElement("section"));
    if (heading !== undefined) title = heading;
    else slide.innerHTML = `<p class="kicker">${title}</p>`;
  };
  const fits = ([size, figure]) => {
    slide.style.fontSize = `${size}%`;
    slide.style.setProperty("--figure", `${figure}em`);
    const cut = [...slide.querySelectorAll("pre")].some((code) => code.scrollWidth > code.clientWidth);
    const wide = [...slide.querySelectorAll(".block table")].some((table) => table.offsetWidth > table.closest(".block").clientWidth);
    return !cut && !wide && [...slide.children].every((child) => child.matches("aside") || child.offsetTop + child.offsetHeight <= 672);
  };
  const put = (blocks, size) => {
    slide.append(...blocks);
    if (fits(size)) return true;
    for (const block of blocks) block.remove();
    return false;
  };
  const isCode = (block) => block?.matches('[data-kind="code"]');

  const blocks = [...slides.children];
  while (blocks.length) {
    const block = blocks.shift();
    block.remove();
    const kind = block.dataset.kind;
    if (kind === "title") { // what follows may not be for slides
      title = block.querySelector("h1, h2, h3").innerHTML;
      stack = slide = null;
    } else if (kind === "slide") {
      open(block.querySelector("h1, h2, h3").innerHTML);
      slide.append(block);
    } else if (!kind) { // a note
      if (slide) slide.append(block);
    } else {
      // Code and its result stay together; where they cannot, the code goes where there is text, if it may.
      const next = blocks.findIndex((other) => other.dataset.kind);
      const unit = isCode(block) && blocks[next]?.dataset.kind === "output" ? [block, ...blocks.splice(0, next + 1)] : [block];
      const before = kind === "subslide" ? null : slide;
      if (before && put(unit, WITH_OTHERS)) continue;
      const last = slide?.lastElementChild;
      open();
      if (last?.matches("aside") && /[:?]\s*$/.test(last.textContent)) slide.append(last); // it leads to what comes
      if (put(unit, ALONE)) continue;
      if (unit.length === 1) slide.append(block);
      else {
        const fresh = slide;
        slide = before ?? fresh;
        if (before && put([block], ALONE)) slide = fresh;
        else {
          (slide = fresh).append(block);
          open();
        }
        slide.append(...unit.slice(1));
      }
    }
  }

  const all = () => [...slides.querySelectorAll("section > section")];
  for (slide of all()) { // the final sizes; what no size makes fit, such as a long listing, stays in the notebook
    if (SIZES.some(fits)) continue;
    for (const block of slide.querySelectorAll('[data-kind="output"]')) block.remove();
    if (slide.querySelector(".block")) SIZES.some(fits);
    else slide.remove();
  }
  // The notebook's minutes are divided among its slides by what there is to read and to see; exercises have their own.
  const ofExercise = (slide) => Number(slide.querySelector("h2")?.textContent.match(/^Exercise.* (\d+) minutes/)?.[1] ?? 0);
  const toRead = (slide) => slide.textContent.split(/\s+/).length + 40 * slide.querySelectorAll("img").length;
  const words = all().filter((slide) => !ofExercise(slide)).reduce((sum, slide) => sum + toRead(slide), 0);
  let total = 0;
  for (slide of all()) {
    const minutes = ofExercise(slide) || (slides.parentElement.dataset.minutes * toRead(slide)) / words;
    total += slide.dataset.timing = Math.round(60 * minutes);
    const rounded = Math.max(1, Math.round(2 * minutes)) / 2;
    const texts = [`About ${rounded} minute${rounded > 1 ? "s" : ""}.`];
    for (const image of slide.querySelectorAll("img")) texts.push(`To be seen: ${image.alt}`);
    const note = document.createElement("aside");
    note.className = "notes";
    for (const text of texts) note.append(Object.assign(document.createElement("p"), {textContent: text}));
    slide.prepend(note);
  }
  for (const answer of answers) answer.open = false;
  for (const summary of slides.querySelectorAll("summary")) summary.onkeydown = (event) => event.stopPropagation();
  slides.classList.remove("measuring");
  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, center: false, hash: true, slideNumber: "c/t", transition: "none",
    navigationMode: "linear", totalTime: total, plugins: [RevealNotes],
  });
})();
