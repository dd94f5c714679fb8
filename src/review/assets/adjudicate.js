// Coders side by side, and a third, settled decision.

import { fill, h, toast } from "./dom.js";
import * as server from "./server.js";
import { bar, colorOf, hundredths, lineOf, passage, speaker, tag, verdict } from "./words.js";
import { keyOf, shownKey } from "./keys.js";

const PAGE = 100;

export function adjudicateView(app, main) {
  let list = { segments: [], from: 0, open: 0, settled: 0, agreed: 0 };
  let at = 0;
  let item = null;
  let row = 0;
  let verdicts = {};
  // Sentences chosen for a code, as code points of the transcript.
  let spans = {};

  const total = () => list.open + list.settled;

  async function load(from = 0, id = null) {
    list = await server.get("/api/adjudication", { from, limit: PAGE });
    const same = list.segments.findIndex((segment) => segment.id === id);
    at = Math.max(0, Math.min(same < 0 ? at : same, list.segments.length - 1));
    await open();
  }

  async function open() {
    const entry = list.segments[at];
    item = entry ? await server.get("/api/adjudication/item", { id: entry.id }) : null;
    const settled = Object.entries(item?.settled ?? {});
    verdicts = Object.fromEntries(settled.map(([code, mark]) => [code, mark.verdict]));
    spans = Object.fromEntries(settled.filter(([, mark]) => mark.span).map(([code, mark]) => [code, spanOf(mark)]));
    row = item ? Math.max(0, codes().findIndex((code) => item.differing.includes(code) && !verdicts[code])) : 0;
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

  /** The sentences of a mark: its own, or those of the segment. */
  function spanOf(mark) {
    return mark.span ? [item.start + mark.span[0], item.start + mark.span[1]] : [item.start, item.end];
  }

  /** The sentences for which coders hold a code, each with their names. */
  function choices(code) {
    const found = new Map();
    for (const { coder, stand } of item.coders) {
      if (of(stand, code) !== "present") continue;
      const span = spanOf(stand.marks[code]);
      const known = found.get(span.join()) ?? { span, coders: [] };
      known.coders.push(coder);
      found.set(span.join(), known);
    }
    return [...found.values()];
  }

  function say(value) {
    const code = codes()[row];
    if (!code) return;
    verdicts[code] = value;
    if (value === "present") spans[code] ??= choices(code)[0]?.span;
    row = Math.min(codes().length - 1, row + 1);
    draw();
  }

  /** The sentences of the next coder, where they hold the code for different ones. */
  function nextSentences() {
    const code = codes()[row];
    const all = code ? choices(code) : [];
    if (all.length < 2) return toast("Everybody who holds this code holds it for the same sentences.");
    const now = all.findIndex(({ span }) => span.join() === spans[code]?.join());
    verdicts[code] = "present";
    spans[code] = all[(now + 1) % all.length].span;
    return draw();
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
    const held = Object.keys(all).filter((code) => all[code] === "present").map((code) => [code, spans[code] ?? choices(code)[0]?.span]);
    const chosen = Object.fromEntries(held.filter(([, span]) => span && (span[0] !== item.start || span[1] !== item.end)));
    try {
      await server.submit("/api/settle", { segment: item.id, hash: item.hash, version: item.version, verdicts: all, spans: chosen });
      toast("Settled.");
    } catch (error) {
      toast(error.code === "stale" ? "Somebody changed this meanwhile: look at it again." : error.message, "bad");
    }
    await load(list.from);
  }

  function move(step) {
    if (item) row = Math.max(0, Math.min(codes().length - 1, row + step));
    draw();
  }

  async function walk(step) {
    const next = at + step;
    if (next >= list.segments.length && list.from + list.segments.length < total()) {
      at = 0;
      return load(list.from + PAGE);
    }
    if (next < 0 && list.from > 0) {
      at = PAGE - 1;
      return load(Math.max(0, list.from - PAGE));
    }
    at = Math.max(0, Math.min(list.segments.length - 1, next));
    return open();
  }

  function draw() {
    const entry = (segment, i) => h("li", {}, h("button", { "aria-current": i === at ? "true" : null, onclick: () => { at = i; open(); } },
      h("span", {}, `${segment.transcript}:${segment.turn + 1}`, segment.by_hand ? h("span", { class: "share", title: "No rule found these words" }, " by hand") : null),
      h("span", { class: "share" }, segment.settled ? "✓ settled" : `${segment.differing.length} differ`)));
    const last = list.from + list.segments.length;
    fill(main,
      h("nav", { class: "shelf", "aria-label": "Segments" },
        h("p", { class: "about" }, `${list.open} open · ${list.settled} settled · ${list.agreed} agreed`),
        total() > list.segments.length ? h("p", { class: "about" }, `${list.from + 1} to ${last} of ${total()}`) : null,
        h("ul", {}, list.segments.map(entry)),
        h("div", { class: "pager" },
          list.from > 0 ? h("button", { onclick: () => { at = 0; load(Math.max(0, list.from - PAGE)); } }, "Earlier") : null,
          last < total() ? h("button", { onclick: () => { at = 0; load(list.from + PAGE); } }, "Later") : null)),
      item ? drawItem() : h("section", { class: "welcome" }, h("h1", {}, "Nothing to settle"),
        h("p", {}, "Segments come here when everybody who has to judge them has judged them, and they differ. Until then nobody sees what another decided."),
        list.agreed ? h("p", { class: "about" }, `${list.agreed} segments were judged by two or more, and they agree.`) : null));
    main.querySelector(".shelf [aria-current]")?.scrollIntoView({ block: "nearest" });
  }

  function drawItem() {
    const now = codes()[row];
    const layers = [{ start: item.start, end: item.end, class: "segment" }];
    item.suggestions.forEach((proposal, i) => proposal.evidence.forEach((found) => layers.push({
      start: found.start, end: found.end, class: "evidence", color: colorOf(proposal.code), line: lineOf(i), label: String(i + 1), title: proposal.code,
    })));
    const shown = now && verdicts[now] !== "absent" ? spans[now] ?? (choices(now).length > 1 ? choices(now)[0].span : null) : null;
    if (shown) layers.push({ start: shown[0], end: shown[1], class: "chosen" });
    const machine = new Map(item.suggestions.map((s) => [s.code, s]));
    const part = (code, stand) => {
      const value = of(stand, code);
      const span = value === "present" && choices(code).length > 1 ? spanOf(stand.marks[code]) : null;
      return h("td", {}, verdict(value), span ? h("span", { class: "share" }, ` ${wordsOf(span)}`) : null);
    };
    const said = (code) => {
      if (!verdicts[code]) return h("span", { class: "none" }, item.differing.includes(code) ? "open" : "agreed");
      const as = choices(code).length > 1 && verdicts[code] === "present" ? choices(code).find(({ span }) => span.join() === spans[code]?.join()) : null;
      return [verdict(verdicts[code]), as ? h("span", { class: "share" }, ` as ${as.coders.join(", ")}`) : null];
    };
    const line = (code, i) => {
      const proposal = machine.get(code);
      return h("tr", { class: `${i === row ? "now" : ""} ${item.differing.includes(code) ? "differs" : ""}`, "aria-selected": i === row ? "true" : "false", onclick: () => { row = i; draw(); } },
        h("th", { scope: "row" }, tag(code)), item.coders.map(({ stand }) => part(code, stand)),
        h("td", { class: "machine" }, proposal ? [bar(proposal.confidence, code), h("span", { class: "figure" }, hundredths(proposal.confidence))] : "–"),
        h("td", { class: "settled" }, said(code)));
    };
    const memos = item.coders.filter(({ stand }) => stand.memo).map(({ coder, stand }) => h("aside", { class: "memo" }, h("b", {}, coder), ": ", stand.memo));
    const several = now && choices(now).length > 1;
    return h("section", { class: "side" },
      h("p", { class: "where" }, h("b", {}, item.transcript), ` · turn ${item.turn + 1} · ${item.respondent ?? item.speaker ?? ""}`),
      item.turns.map((turn) => h("article", { class: `turn ${turn.role}${turn.turn === item.turn ? " here" : ""}` }, speaker(turn),
        h("p", { class: "words", dir: "auto" }, passage(turn, turn.turn === item.turn ? layers : [])))),
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Coders side by side" },
        h("table", { class: "compare" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Code"),
          item.coders.map(({ coder, stand }) => h("th", { scope: "col" }, coder, stand.done === "blind" ? h("span", { class: "flag" }, "blind") : null)),
          h("th", { scope: "col" }, "machine"), h("th", { scope: "col" }, "settled"))), h("tbody", {}, codes().map(line)))),
      memos,
      h("p", { class: "about" }, h("kbd", {}, shownKey(keyOf("accept"))), " it holds, ", h("kbd", {}, shownKey(keyOf("reject"))), " it does not, ",
        several ? [h("kbd", {}, shownKey(keyOf("sentences"))), " for the sentences of the next coder, "] : null,
        h("kbd", {}, shownKey(keyOf("finish"))), " writes the settled decision."));
  }

  /** The first and the last words of some sentences. */
  function wordsOf([start, end]) {
    const turn = item.turns.find((t) => t.turn === item.turn);
    const text = turn ? Array.from(turn.text).slice(start - turn.start, end - turn.start).join("") : "";
    const words = text.split(/\s+/);
    return words.length > 7 ? `“${words.slice(0, 3).join(" ")} … ${words.slice(-3).join(" ")}”` : `“${text}”`;
  }

  return {
    hints: [["accept", "holds"], ["reject", "does not hold"], ["sentences", "other sentences"], ["finish", "settle"], ["next", "next"], ["previous", "back"], ["undo", "undo"], ["help", "all keys"]],
    actions: {
      accept: () => say("present"), reject: () => say("absent"), sentences: nextSentences, up: () => move(-1), down: () => move(1), finish: () => settle(),
      next: () => walk(1), previous: () => walk(-1), open: () => item && app.show("transcript", { name: item.transcript, turn: item.turn }),
    },
    enter: () => load(),
    refresh: (segment) => load(list.from, segment ?? item?.id),
  };
}
