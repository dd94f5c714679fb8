// Coders side by side, and a third, settled decision.

import { fill, h, toast } from "./dom.js";
import * as server from "./server.js";
import { bar, colorOf, lineOf, passage, speaker, tag, verdict } from "./words.js";
import { keyOf, shownKey } from "./keys.js";

export function adjudicateView(app, main) {
  let list = { segments: [], open: 0, settled: 0, agreed: 0 };
  let at = 0;
  let item = null;
  let row = 0;
  let verdicts = {};

  async function load() {
    list = await server.get("/api/adjudication");
    at = Math.max(0, Math.min(at, list.segments.length - 1));
    await open();
  }

  async function open() {
    const entry = list.segments[at];
    item = entry ? await server.get("/api/adjudication/item", { id: entry.id }) : null;
    row = 0;
    verdicts = item ? { ...Object.fromEntries(Object.entries(item.settled).map(([code, mark]) => [code, mark.verdict])) } : {};
    draw();
  }

  /** Codes in question first, then those on which everybody agrees. */
  function codes() {
    const all = new Set(item.coders.flatMap(({ stand }) => Object.keys(stand.marks)));
    return [...item.differing, ...[...all].filter((code) => !item.differing.includes(code)).sort()];
  }

  function of(stand, code) {
    return stand.marks[code]?.verdict ?? (stand.done || Object.keys(stand.marks).length ? "absent" : null);
  }

  function say(value) {
    const code = codes()[row];
    if (!code) return;
    verdicts[code] = value;
    row = Math.min(codes().length - 1, row + 1);
    draw();
  }

  /** Writes what is settled; what everybody agrees on is settled with it. */
  async function settle() {
    if (!item) return;
    const open = item.differing.filter((code) => !verdicts[code]);
    if (open.length) {
      row = codes().indexOf(open[0]);
      draw();
      toast(`Say first whether ${open[0]} holds.`);
      return;
    }
    const agreed = codes().filter((code) => !item.differing.includes(code)).map((code) => [code, of(item.coders[0].stand, code)]);
    const all = { ...Object.fromEntries(agreed.filter(([, v]) => v && v !== "unsure")), ...verdicts };
    try {
      await server.submit("/api/settle", { segment: item.id, hash: item.hash, version: item.version, verdicts: all });
      toast("Settled.");
    } catch (error) {
      toast(error.message, "bad");
    }
    await load();
  }

  function move(step) {
    if (item) row = Math.max(0, Math.min(codes().length - 1, row + step));
    draw();
  }

  async function walk(step) {
    at = Math.max(0, Math.min(list.segments.length - 1, at + step));
    await open();
  }

  function draw() {
    const entry = (segment, i) => h("li", {}, h("button", { "aria-current": i === at ? "true" : null, onclick: () => { at = i; open(); } },
      h("span", {}, `${segment.transcript}:${segment.turn + 1}`), h("span", { class: "share" }, segment.settled ? "settled" : `${segment.differing.length} differ`)));
    fill(main,
      h("nav", { class: "shelf", "aria-label": "Segments" },
        h("p", { class: "about" }, `${list.open} open · ${list.settled} settled · ${list.agreed} agreed`),
        h("ul", {}, list.segments.map(entry))),
      item ? drawItem() : h("section", { class: "welcome" }, h("h1", {}, "Nothing to settle"),
        h("p", {}, "Segments come here when everybody who has to judge them has judged them, and they differ. Until then nobody sees what another decided.")));
  }

  function drawItem() {
    const layers = [{ start: item.start, end: item.end, class: "segment" }];
    item.suggestions.forEach((proposal, i) => proposal.evidence.forEach((found) => layers.push({
      start: found.start, end: found.end, class: "evidence", color: colorOf(proposal.code), line: lineOf(i), label: String(i + 1), title: proposal.code,
    })));
    const machine = new Map(item.suggestions.map((s) => [s.code, s]));
    const line = (code, i) => {
      const proposal = machine.get(code);
      return h("tr", { class: `${i === row ? "now" : ""} ${item.differing.includes(code) ? "differs" : ""}`, "aria-selected": i === row ? "true" : "false", onclick: () => { row = i; draw(); } },
        h("th", { scope: "row" }, tag(code)), item.coders.map(({ stand }) => h("td", {}, verdict(of(stand, code)))),
        h("td", { class: "machine" }, proposal ? [bar(proposal.confidence, code), h("span", { class: "figure" }, proposal.confidence.toFixed(2))] : "–"),
        h("td", { class: "settled" }, verdicts[code] ? verdict(verdicts[code]) : h("span", { class: "none" }, item.differing.includes(code) ? "open" : "agreed")));
    };
    const memos = item.coders.filter(({ stand }) => stand.memo).map(({ coder, stand }) => h("aside", { class: "memo" }, h("b", {}, coder), ": ", stand.memo));
    return h("section", { class: "side" },
      h("p", { class: "where" }, h("b", {}, item.transcript), ` · turn ${item.turn + 1} · ${item.respondent ?? ""}`),
      item.turns.map((turn) => h("article", { class: `turn ${turn.role}${turn.turn === item.turn ? " here" : ""}` }, speaker(turn),
        h("p", { class: "words" }, passage(turn, turn.turn === item.turn ? layers : [])))),
      h("table", { class: "compare" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Code"),
        item.coders.map(({ coder, stand }) => h("th", { scope: "col" }, coder, stand.done === "blind" ? h("span", { class: "flag" }, "blind") : null)),
        h("th", { scope: "col" }, "machine"), h("th", { scope: "col" }, "settled"))), h("tbody", {}, codes().map(line))),
      memos,
      h("p", { class: "about" }, h("kbd", {}, shownKey(keyOf("accept"))), " it holds, ", h("kbd", {}, shownKey(keyOf("reject"))), " it does not, ", h("kbd", {}, shownKey(keyOf("finish"))), " writes the settled decision."));
  }

  return {
    hints: [["accept", "holds"], ["reject", "does not hold"], ["finish", "settle"], ["next", "next"], ["previous", "back"], ["undo", "undo"], ["help", "all keys"]],
    actions: {
      accept: () => say("present"), reject: () => say("absent"), up: () => move(-1), down: () => move(1), finish: () => { settle(); },
      next: () => walk(1), previous: () => walk(-1), open: () => item && app.show("transcript", { name: item.transcript, turn: item.turn }),
    },
    enter: load,
    refresh: load,
  };
}
