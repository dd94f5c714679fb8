// A whole interview: coded passages with their codes in the margin, sentences to choose, words to search.

import { fill, h, toast } from "./dom.js";
import { pickCode } from "./pick.js";
import * as server from "./server.js";
import { colorOf, lineOf, passage, percent, shortName, speaker, tag, verdict } from "./words.js";

export function transcriptView(app, main) {
  let name = sessionStorage.getItem("precode.transcript");
  let whole = null;
  let from = 0;
  let listed = { transcripts: [], total: 0 };
  let words = "";
  let at = -1;
  let cursor = null;
  let found = { text: "", turns: [], at: -1 };

  async function list() {
    listed = await server.get("/api/transcripts", { words });
  }

  async function open(next, start = 0) {
    name = next;
    from = start;
    sessionStorage.setItem("precode.transcript", name);
    whole = await server.get("/api/transcript", { name, from });
    whole.spans.sort((a, b) => a.start - b.start || b.end - a.end);
    at = -1;
    cursor = null;
    draw();
  }

  /** Respondents' sentences, in order. */
  function sentences() {
    return whole.turns.filter((turn) => turn.role === "respondent").flatMap((turn) => turn.sentences.map(([a, b]) => ({ start: a, end: b, turn: turn.turn })));
  }

  function jump(step) {
    if (!whole?.spans.length) return;
    at = Math.max(0, Math.min(whole.spans.length - 1, at + step));
    draw();
    main.querySelector(".coded.now")?.scrollIntoView({ block: "center" });
  }

  function moveCursor(step, extend) {
    if (!whole) return;
    const all = sentences();
    if (!all.length) return;
    if (!cursor) {
      const near = at >= 0 ? all.findIndex((s) => s.end > whole.spans[at].start) : 0;
      cursor = { from: Math.max(0, near), to: Math.max(0, near) };
    } else if (extend) {
      const next = Math.max(cursor.from, Math.min(all.length - 1, cursor.to + step));
      if (all[next].turn === all[cursor.from].turn) cursor.to = next;
    } else {
      const next = Math.max(0, Math.min(all.length - 1, (step > 0 ? cursor.to : cursor.from) + step));
      cursor = { from: next, to: next };
    }
    draw();
    main.querySelector(".chosen")?.scrollIntoView({ block: "center" });
  }

  async function addCode() {
    if (!cursor) return toast("Choose sentences first: ↑ and ↓ move, with Shift they extend.");
    const all = sentences();
    const [start, end] = [all[cursor.from].start, all[cursor.to].end];
    const code = await pickCode("A code for the chosen sentences", app.session.codebook.codes.map((c) => c.name));
    if (!code) return undefined;
    const known = whole.spans.find((span) => span.start === start && span.end === end);
    if (known) server.heard(await server.get("/api/item", { id: known.id }));
    const body = { transcript: name, start, end, version: server.versions.get(known?.id) ?? 0, action: "add", code };
    try {
      server.heard((await server.submit("/api/decide", body, known?.id)).item);
      toast(`Added ${shortName(code)}.`);
    } catch (error) {
      toast(error.message, "bad");
    }
    return again();
  }

  async function again() {
    const keep = cursor;
    whole = await server.get("/api/transcript", { name, from });
    whole.spans.sort((a, b) => a.start - b.start || b.end - a.end);
    cursor = keep;
    draw();
  }

  function search(text) {
    found = { text: text.toLowerCase(), turns: [], at: -1 };
    draw();
    main.querySelector(".found")?.scrollIntoView({ block: "center" });
  }

  function foundLayers(turn) {
    if (found.text.length < 2) return [];
    // Lower case may change how many code points a text has; such a text is searched as it is.
    const lower = turn.text.toLowerCase();
    const text = lower.length === turn.text.length ? lower : turn.text;
    const layers = [];
    for (let i = text.indexOf(found.text); i >= 0; i = text.indexOf(found.text, i + 1)) {
      const start = turn.start + Array.from(text.slice(0, i)).length;
      layers.push({ start, end: start + Array.from(found.text).length, class: "found" });
    }
    return layers;
  }

  function draw() {
    const filter = h("input", { type: "search", value: words, placeholder: "name", "aria-label": "Find a transcript" });
    filter.addEventListener("change", async () => { words = filter.value; await list(); draw(); });
    fill(main,
      h("nav", { class: "shelf", "aria-label": "Transcripts" }, filter,
        h("ul", {}, listed.transcripts.map((entry) => h("li", {}, h("button", {
          "aria-current": entry.name === name ? "true" : null, onclick: () => open(entry.name),
        }, h("span", {}, entry.name), h("span", { class: "share" }, percent(entry.decided, entry.segments)))))),
        listed.total > listed.transcripts.length ? h("p", { class: "about" }, `${listed.total} in all: type a part of the name`) : null),
      whole ? drawWhole() : h("p", { class: "empty" }, "Choose a transcript."));
  }

  function drawWhole() {
    const input = h("input", { type: "search", class: "find", value: found.text, placeholder: "search in this interview", "aria-label": "Search in this interview" });
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") { search(input.value); main.focus(); } });
    const step = whole.turns.length;
    return h("section", { class: "whole", "aria-label": `Transcript ${name}` },
      h("header", { class: "head" }, h("h1", {}, name), h("span", { class: "count" }, `${whole.n_turns} turns, ${whole.spans.length} coded passages`), input),
      from > 0 ? h("button", { class: "more", onclick: () => open(name, Math.max(0, from - step)) }, "Earlier turns") : null,
      whole.turns.map(drawTurn),
      from + step < whole.n_turns ? h("button", { class: "more", onclick: () => open(name, from + step) }, "Later turns") : null);
  }

  function drawTurn(turn) {
    const spans = whole.spans.filter((span) => span.turn === turn.turn);
    const layers = spans.map((span, i) => ({
      start: span.start, end: span.end, class: `coded${span === whole.spans[at] ? " now" : ""}${span.blind ? " hidden" : ""}`,
      color: span.codes[0] ? colorOf(span.codes[0].code) : "currentcolor", line: lineOf(i), label: spans.length > 1 ? String(i + 1) : "",
    }));
    if (cursor) {
      const all = sentences();
      if (all[cursor.from].turn === turn.turn) layers.push({ start: all[cursor.from].start, end: all[cursor.to].end, class: "chosen" });
    }
    return h("article", { class: `turn ${turn.role}` },
      h("div", {}, speaker(turn), h("p", { class: "words", dir: "auto" }, passage(turn, [...layers, ...foundLayers(turn)]))),
      h("ul", { class: "margin" }, spans.map((span, i) => h("li", {}, h("button", {
        class: span === whole.spans[at] ? "now" : "", onclick: () => app.show("queue", { id: span.id }), title: "Open in the queue",
      }, spans.length > 1 ? h("span", { class: "number", vars: { line: lineOf(i) } }, String(i + 1)) : null,
        span.blind ? h("span", { class: "tag" }, "blind") : span.codes.map((c) => h("span", { class: "entry" }, tag(c.code), c.verdict ? verdict(c.verdict, "") : null)))))));
  }

  return {
    hints: [["next", "next passage"], ["previous", "back"], ["down", "choose sentences"], ["extendDown", "more"], ["add", "add a code"], ["open", "judge"], ["search", "search"], ["undo", "undo"], ["help", "all keys"]],
    actions: {
      next: () => jump(1), previous: () => jump(-1), up: () => moveCursor(-1), down: () => moveCursor(1),
      extendUp: () => moveCursor(-1, true), extendDown: () => moveCursor(1, true), add: () => { addCode(); },
      open: () => whole?.spans[at] && app.show("queue", { id: whole.spans[at].id }),
      finish: () => whole?.spans[at] && app.show("queue", { id: whole.spans[at].id }),
      search: () => main.querySelector(whole ? ".find" : ".shelf input")?.focus(),
      leave: () => { cursor = null; draw(); },
    },
    async enter(params) {
      await list();
      const wanted = params.name ?? name ?? listed.transcripts[0]?.name;
      if (!wanted) return draw();
      try {
        await open(wanted, params.turn > 350 ? params.turn - 20 : 0);
      } catch (error) {
        if (error.status !== 404) throw error;
        await open(listed.transcripts[0].name);
      }
      if (params.turn !== undefined) {
        at = whole.spans.findIndex((span) => span.turn === params.turn);
        draw();
        main.querySelector(".coded.now")?.scrollIntoView({ block: "center" });
      }
      return undefined;
    },
    refresh: again,
  };
}
