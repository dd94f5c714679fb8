// Choosing a code by a few letters.

import { dialog, fill, h } from "./dom.js";
import { codeOf, colorOf, facetName, shortName, tag } from "./words.js";

/** Asks for a code; resolves to its name, or to null. */
export function pickCode(title, codes) {
  return new Promise((resolve) => {
    let shown = codes;
    let at = 0;
    const list = h("ul", { class: "choices", role: "listbox", id: "choices", "aria-label": "Codes" });
    const about = h("p", { class: "about" });
    const input = h("input", {
      type: "text", autocomplete: "off", spellcheck: "false", "aria-label": "Letters of the code", "aria-controls": "choices",
      role: "combobox", "aria-expanded": "true", placeholder: "type a few letters",
    });
    const box = dialog(title, input, list, about);
    let answer = null;
    const take = (name) => { answer = name; box.close(); };
    const draw = () => {
      fill(list, shown.map((name, i) => h("li", {
        role: "option", id: `choice-${i}`, "aria-selected": i === at ? "true" : "false", onclick: () => take(name),
      }, tag(name))));
      if (shown.length) input.setAttribute("aria-activedescendant", `choice-${at}`);
      list.children[at]?.scrollIntoView({ block: "nearest" });
      about.textContent = shown.length ? codeOf(shown[at]).definition : "No code has these letters.";
    };
    input.addEventListener("input", () => {
      const letters = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      shown = codes.filter((name) => letters.every((part) => `${facetName(name)} ${shortName(name)}`.toLowerCase().includes(part)));
      at = 0;
      draw();
    });
    input.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        at = Math.max(0, Math.min(shown.length - 1, at + step));
        draw();
        event.preventDefault();
      } else if (event.key === "Enter" && shown[at]) {
        event.preventDefault();
        take(shown[at]);
      }
    });
    box.addEventListener("close", () => resolve(answer));
    draw();
    input.focus();
  });
}

/** What a code means. */
export function definition(name) {
  const code = codeOf(name);
  const part = (title, text) => text && [h("dt", {}, title), h("dd", {}, text)];
  return h("div", { class: "definition", vars: { code: colorOf(name) } },
    h("h3", {}, tag(name)),
    h("p", {}, code.definition || "The codebook says nothing about this code."),
    h("dl", {}, part("Counts", code.include), part("Does not count", code.exclude), part("Opposite", code.opposite), part("Source", code.source)));
}
