// The codebook: what every code means, by facet.

import { fill, h } from "./dom.js";
import { definition } from "./pick.js";

export function codebookView(app, main) {
  const { codebook } = app.session;
  let words = "";

  function draw() {
    const fits = (code) => `${code.name} ${code.definition} ${code.include} ${code.exclude}`.toLowerCase().includes(words);
    const facets = codebook.facets.map((facet) => [facet, codebook.codes.filter((code) => code.name.split(".")[0] === facet.name && fits(code))]);
    const input = h("input", { type: "search", class: "find", value: words, placeholder: "search", "aria-label": "Search in the codebook" });
    input.addEventListener("input", () => { words = input.value.toLowerCase(); draw(); const again = main.querySelector(".find"); again.focus(); again.setSelectionRange(words.length, words.length); });
    fill(main, h("header", { class: "head" }, h("h1", {}, codebook.title || codebook.name), h("span", { class: "count" }, `${codebook.codes.length} codes`, codebook.version ? `, version ${codebook.version}` : ""), input),
      facets.filter(([, codes]) => codes.length).map(([facet, codes]) => h("section", { class: "facetblock" }, h("h2", {}, facet.name.replaceAll("_", " ")),
        h("p", { class: "about" }, facet.definition, facet.exclusive ? " At most one of them holds." : ""),
        h("div", { class: "definitions" }, codes.map((code) => definition(code.name))))));
  }

  return {
    hints: [["search", "search"], ["queue", "queue"], ["help", "all keys"]],
    actions: { search: () => main.querySelector(".find")?.focus() },
    async enter() { draw(); },
  };
}
