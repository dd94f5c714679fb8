// How far the work is, and how often the machine was right: in figures, with their counts.

import { fill, h } from "./dom.js";
import * as server from "./server.js";
import { colorOf, percent, tag } from "./words.js";

export function progressView(app, main) {
  function meter(done, all, words) {
    return h("div", { class: "meter" },
      h("div", { class: "thread", role: "progressbar", "aria-label": words, "aria-valuemin": "0", "aria-valuemax": String(all), "aria-valuenow": String(done), vars: { share: all ? done / all : 0 } }),
      h("p", {}, h("b", {}, `${done}`), ` of ${all} ${words}`));
  }

  function tenths(list) {
    const row = ({ decided, accepted }, i) => {
      const [from, to] = [i / 10, (i + 1) / 10];
      const share = decided ? accepted / decided : null;
      return decided ? h("tr", {}, h("td", {}, `${from.toFixed(1)} to ${to.toFixed(1)}`), h("td", { class: "figure" }, decided),
        h("td", {}, h("span", { class: "bar wide", role: "img", "aria-label": `${percent(accepted, decided)} accepted`, vars: { share: share ?? 0, code: "var(--accent)", expected: (from + to) / 2 } }, h("span", { class: "part" }), h("span", { class: "half" })),
          h("span", { class: "figure" }, percent(accepted, decided)))) : null;
    };
    const rows = list.map(row).filter(Boolean);
    return rows.length ? h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Confidence"), h("th", { scope: "col" }, "Decided"), h("th", { scope: "col" }, "Accepted"))), h("tbody", {}, rows))
      : h("p", { class: "about" }, "No decision with proposals in sight yet.");
  }

  async function load() {
    const p = await server.get("/api/progress");
    const codes = p.codes.filter((code) => code.proposed);
    fill(main,
      h("section", { class: "sheet" }, h("h1", {}, "Progress"),
        meter(p.decided, p.segments, "segments decided"), p.blind ? meter(p.blind_decided, p.blind, "blind segments decided") : null,
        p.orphans ? h("p", { class: "note" }, `${p.orphans} decided segments are not in the present texts any more; `, h("code", {}, "precode journal --orphans"), " lists them.") : null,
        p.coders.length > 1 ? h("p", { class: "about" }, p.coders.map(({ coder, decided }) => `${coder}: ${decided}`).join(" · ")) : null),
      h("section", { class: "sheet" }, h("h2", {}, "Was the confidence right?"),
        h("p", { class: "about" }, "Of the proposals that you decided with the proposal in sight, the share that you accepted. The mark is where it would be if confidence were a probability. Seeing a proposal makes accepting it likelier: only the blind stratum measures agreement."),
        tenths(p.tenths)),
      h("section", { class: "sheet" }, h("h2", {}, "By code"),
        h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "By code" }, h("table", {}, h("thead", {}, h("tr", {}, ["Code", "Proposed", "Accepted", "Rejected", "Unsure", "Decided"].map((t) => h("th", { scope: "col" }, t)))),
          h("tbody", {}, codes.map((c) => {
            const n = c.accepted + c.rejected + c.unsure;
            return h("tr", { vars: { code: colorOf(c.code) } }, h("td", {}, tag(c.code)), h("td", { class: "figure" }, c.proposed), h("td", { class: "figure" }, c.accepted),
              h("td", { class: "figure" }, c.rejected), h("td", { class: "figure" }, c.unsure), h("td", { class: "figure" }, percent(n, c.proposed)));
          }))))));
  }

  return { hints: [["queue", "queue"], ["history", "what I did"], ["undo", "undo"], ["help", "all keys"]], actions: {}, enter: load, refresh: load };
}
