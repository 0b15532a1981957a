// Start the deck when the formulas stand; where a slide came out too high, shrink its figure and then its text.
(async () => {
  await MathJax.startup.promise;
  await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
  const slides = document.querySelector(".reveal .slides");
  const sections = [...slides.querySelectorAll("section section")];
  slides.classList.add("measuring");
  for (const section of sections) {
    for (const code of section.querySelectorAll("pre")) {
      for (let size = 100; code.scrollWidth > code.clientWidth && size > 60; size -= 4) code.style.fontSize = `${size * 0.0074}em`;
    }
    const shown = [...section.children].filter((child) => !child.matches("aside"));
    const tooHigh = () => Math.max(...shown.map((child) => child.offsetTop + child.offsetHeight)) > 684;
    for (let size = 16; tooHigh() && size >= 12; size -= 0.5) section.style.setProperty("--figure", `${size}em`);
    for (let size = 98; tooHigh() && size >= 60; size -= 2) section.style.fontSize = `${size}%`;
  }
  slides.classList.remove("measuring");
  for (const code of slides.querySelectorAll("pre")) code.tabIndex = 0; // what may scroll can be scrolled by key
  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, center: false, hash: true, slideNumber: "c/t", transition: "none",
    plugins: [RevealNotes],
  });
})();
