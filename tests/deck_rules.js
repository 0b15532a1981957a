// Which slides of an open deck break which rule: {rule: [the beginning of each slide]}.
() => {
  const broken = {};
  const inner = ".block, .block :is(p, li, pre, figure, blockquote, table)";
  const over = (e) => {
    const box = e.getBoundingClientRect();
    return box.bottom > 700 || box.right > 1240 || (e.matches("pre") && e.scrollWidth > e.clientWidth);
  };
  const small = (slide) => {
    const texts = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const e = texts.currentNode.parentElement;
      const counts = texts.currentNode.textContent.trim() && !e.closest("aside, mjx-container");
      if (counts && parseFloat(getComputedStyle(e).fontSize) < 16) return true;
    }
    return false;
  };
  for (const slide of Reveal.getSlides()) {
    const {h, v} = Reveal.getIndices(slide);
    Reveal.slide(h, v);
    const blame = (rule, breaks) => {
      if (breaks) (broken[rule] ??= []).push(slide.innerText.trim().slice(0, 60));
    };
    const blocks = [...slide.querySelectorAll(".block")];
    const notes = [...slide.querySelectorAll("aside.notes")].map((e) => e.textContent.trim()).join(" ");
    blame("empty", !blocks.length);
    blame("code alone", blocks.length && blocks.every((e) => e.dataset.kind === "code"));
    blame("no minutes", !/^About [\d.]+ minutes?\./.test(notes));
    blame("nothing but minutes", !/^About [\d.]+ minutes?\.\s*\S.{10}/.test(notes));
    for (const answer of [null, ...slide.querySelectorAll("details")]) {
      if (answer) answer.open = true; // and the others close
      blame("too full", [...slide.querySelectorAll(inner)].some((e) => e.checkVisibility() && over(e)));
      blame("small letters", small(slide));
      if (answer) answer.open = false;
    }
  }
  return broken;
}
