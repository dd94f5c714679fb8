// The queue: one segment in focus, its codes beside it, everything on one key.

import { announce, dialog, fill, h, toast } from "./dom.js";
import { definition, pickCode } from "./pick.js";
import * as filters from "./filters.js";
import * as server from "./server.js";
import {
  attributes, bar, colorOf, confidenceWords, facetName, flagWords, hundredths, lineOf, passage, shortName, speaker, tag, verdict, verdictWord,
} from "./words.js";
import { keyOf, shownKey } from "./keys.js";

const WINDOW = 20;

export function queueView(app, main) {
  let choice = filters.load();
  let list = { ids: [], total: 0, left: 0 };
  let place = { id: null, at: -1 };
  const visited = [];
  const ready = new Map();
  // Decisions of each segment that the server has not answered yet.
  const onTheWay = new Map();
  let item = null;
  let code = 0;
  // Sentences under choice: places of the first and the last one, and which end moves.
  let range = null;

  const fetchItem = (id) => {
    if (!ready.has(id)) ready.set(id, server.get("/api/item", { id }).then(server.heard));
    return ready.get(id);
  };

  async function load(from) {
    const answer = await server.get("/api/queue", { order: choice.order, filter: choice.filter, from, limit: WINDOW });
    // Answers were drawn for blind judgement since: what is kept ready may show too much.
    if (list.edition !== undefined && list.edition !== answer.edition) ready.clear();
    list = answer;
    return list;
  }

  async function go(next, back = false) {
    if (!back && place.id && place.id !== next.id) visited.push(place);
    place = next;
    range = null;
    try {
      item = await fetchItem(place.id);
    } catch (error) {
      ready.delete(place.id);
      if (error.status !== 404) throw error;
      item = null;
      return advance();
    }
    code = firstOpen();
    draw();
    tell(true);
    for (const ahead of list.ids.filter(({ at }) => at > place.at).slice(0, 3)) fetchItem(ahead.id).catch(() => ready.delete(ahead.id));
    if (ready.size > 60) ready.delete(ready.keys().next().value);
    return undefined;
  }

  /** To the next segment that fits, from the start again at the end. */
  async function advance() {
    let next = list.ids.find(({ at }) => at > place.at);
    if (!next) next = (await load(place.at + 1)).ids[0];
    if (!next && place.at > 0) next = (await load(0)).ids.find(({ id }) => id !== place.id);
    if (next) return go(next);
    item = null;
    place = { id: null, at: -1 };
    draw();
    return undefined;
  }

  /** What is judged here: proposals, then codes that the coder added. In a blind segment: the whole codebook. */
  function rows() {
    if (!item) return [];
    if (item.blind) return app.session.codebook.codes.map(({ name }) => ({ code: name }));
    const proposed = new Set(item.suggestions.map((s) => s.code));
    const own = Object.keys(item.marks).filter((name) => !proposed.has(name)).map((name) => ({ code: name, own: true }));
    return [...item.suggestions, ...own];
  }

  function firstOpen() {
    const open = rows().findIndex((row) => !item.marks[row.code]);
    return item.blind || open < 0 ? 0 : open;
  }

  function isComplete() {
    return !item.blind && item.suggestions.length > 0 && item.suggestions.every((s) => item.marks[s.code]);
  }

  function words() {
    return item.turns.find((turn) => turn.turn === item.turn) ?? { sentences: [], text: "", start: 0 };
  }

  /** Sends a decision and shows it at once; what the server says comes later. */
  function decide(action, body, marks) {
    const shown = item;
    for (const [name, value] of Object.entries(marks ?? {})) {
      shown.marks[name] = { ...(shown.marks[name] ?? {}), verdict: value, pending: true };
    }
    const wasUndecided = !shown.decided;
    onTheWay.set(shown.id, (onTheWay.get(shown.id) ?? 0) + 1);
    server.submit("/api/decide", { segment: shown.id, hash: shown.hash, version: shown.version, action, ...body }, shown.id)
      .finally(() => onTheWay.set(shown.id, onTheWay.get(shown.id) - 1))
      .then(({ item: now }) => {
        // An answer does not know yet what was done after its question.
        if (onTheWay.get(now.id)) return;
        ready.set(now.id, Promise.resolve(now));
        if (wasUndecided && now.decided && list.left > 0) list.left -= 1;
        if (item?.id === now.id) { item = now; draw(); }
      })
      .catch((error) => refused(error, shown, { action, body, marks }));
    draw();
  }

  /** Somebody, perhaps another tab, was faster, or the words changed: the click is kept and offered again. */
  function refused(error, shown, again) {
    ready.delete(shown.id);
    if (error.code === "stale" && error.present) {
      item = error.present;
      place = { ...place, id: item.id };
      code = Math.min(code, Math.max(0, rows().length - 1));
      draw();
      const box = dialog("This segment was changed elsewhere",
        h("p", {}, "You see it now as it is. Do what you meant to do all the same?"),
        h("div", { class: "buttons" },
          h("button", { onclick: () => box.close() }, "Leave it so"),
          h("button", { class: "main", autofocus: true, onclick: () => { box.close(); decide(again.action, again.body, again.marks); } }, "Do it")));
      return;
    }
    const words = error.code === "segment_changed" ? "The words of this segment have changed with a new run; nothing was saved." : error.message;
    toast(words, "bad");
    fetchItem(shown.id).then((now) => { if (item?.id === now.id) { item = now; draw(); } }).catch(() => {});
  }

  const moveOn = async () => { if (isComplete()) await advance(); };

  /** One verdict on the code in focus, then on to what is open. */
  async function judge(action, value) {
    const row = rows()[code];
    if (!row) return;
    const kind = action === "accept" && (item.blind || row.own) ? "add" : action;
    decide(kind, { code: row.code }, { [row.code]: value });
    if (item.blind || row.own) {
      code = Math.min(code + 1, rows().length - 1);
    } else {
      const open = rows().findIndex((r, i) => i > code && !item.marks[r.code]);
      code = open >= 0 ? open : firstOpen();
    }
    draw();
    if (isComplete()) await advance();
    else tell(false);
  }

  async function change() {
    const row = rows()[code];
    if (!row || item.blind) return;
    const to = await pickCode(`Instead of ${shortName(row.code)}`, app.session.codebook.codes.map((c) => c.name).filter((n) => n !== row.code));
    if (!to) return;
    decide("change", { code: row.code, to_code: to }, { [row.code]: "absent", [to]: "present" });
    await moveOn();
  }

  async function addCode() {
    if (!item) return;
    const name = await pickCode(range ? "A code for the chosen sentences" : "Add a code", app.session.codebook.codes.map((c) => c.name));
    if (!name) return;
    if (!range) return decide("add", { code: name }, { [name]: "present" });
    const [start, end] = chosenSpan();
    range = null;
    server.submit("/api/decide", { transcript: item.transcript, start, end, version: 0, action: "add", code: name })
      .then(({ item: made }) => toast(`Added ${shortName(name)} to “${made.quote.slice(0, 40)}…”`))
      .catch((error) => toast(error.message, "bad"));
    return draw();
  }

  function memo() {
    const shown = item;
    if (!shown) return;
    const input = h("textarea", { rows: "6", "aria-label": "Memo", value: shown.memo ?? "" });
    const keep = () => { box.close(); if (input.value !== (shown.memo ?? "")) { shown.memo = input.value; decide("memo", { note: input.value }); } };
    const box = dialog("Memo", h("p", { class: "about" }, item.quote.slice(0, 160)), input,
      h("div", { class: "buttons" }, h("button", { class: "main", onclick: keep }, "Keep (Ctrl ⏎)")));
    input.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) keep(); });
    input.focus();
  }

  async function finish() {
    if (!item) return;
    if (range) return takeSentences();
    const open = item.blind ? [] : item.suggestions.filter((s) => !item.marks[s.code]).map((s) => [s.code, "absent"]);
    const leaving = item;
    decide("done", {}, Object.fromEntries(open));
    ready.delete(leaving.id);
    await advance();
  }

  async function acceptAll() {
    if (!item || item.blind) return;
    const open = item.suggestions.filter((s) => !item.marks[s.code] && !s.flags.includes("weak"));
    if (!open.length) return;
    const shown = item;
    for (const s of open) shown.marks[s.code] = { verdict: "present", pending: true };
    server.submit("/api/bulk", { action: "accept", codings: open.map((s) => s.coding) })
      .then(() => { ready.delete(shown.id); return fetchItem(shown.id); })
      .then((now) => { if (item?.id === now.id) { item = now; draw(); } })
      .catch((error) => refused(error, shown, {}));
    code = firstOpen();
    draw();
    toast(`Accepted ${open.map((s) => shortName(s.code)).join(", ")}.`);
    await moveOn();
  }

  function startSentences() {
    if (!item) return;
    const sentences = words().sentences;
    const inside = sentences.map(([a, b], i) => (a < item.end && b > item.start ? i : -1)).filter((i) => i >= 0);
    range = range ? null : { from: inside[0] ?? 0, to: inside.at(-1) ?? 0 };
    draw();
  }

  function chosenSpan() {
    const sentences = words().sentences;
    return [sentences[range.from][0], sentences[range.to][1]];
  }

  /** The chosen sentences are the code's now. */
  function takeSentences() {
    const row = rows()[code];
    const [start, end] = chosenSpan();
    range = null;
    if (row) decide("span", { code: row.code, to_start: start, to_end: end }, { [row.code]: "present" });
    draw();
  }

  function move(step, extend = false) {
    if (range) {
      const last = words().sentences.length - 1;
      if (extend) range.to = Math.max(range.from, Math.min(last, range.to + step));
      else { const at = Math.max(0, Math.min(last, range.from + step)); range = { from: at, to: at }; }
    } else {
      code = Math.max(0, Math.min(rows().length - 1, code + step));
      if (item) tell(false);
    }
    draw();
  }

  const previous = async () => {
    const last = visited.pop();
    if (last) await go(last, true);
  };

  function setFilter(next) {
    choice = next;
    filters.save(choice);
    ready.clear();
    place = { id: null, at: -1 };
    list = { ids: [], total: 0, left: 0 };
    advance();
  }

  // Drawing.

  function draw() {
    if (!item) return drawEmpty();
    const all = rows();
    fill(main,
      h("section", { class: "reading", "aria-label": "Passage" }, drawHead(), item.turns.map((turn) => drawTurn(turn, all))),
      h("section", { class: "judging", "aria-label": item.blind ? "Codes" : "Proposals" }, drawBlind(), drawCodes(all), drawNext(all), drawMemo()));
    main.querySelector(".card.now")?.scrollIntoView({ block: "nearest" });
    return undefined;
  }

  function drawEmpty() {
    const all = list.total > 0 || choice.filter.state !== "undecided" || Object.keys(choice.filter).length > 1;
    fill(main, h("section", { class: "welcome" },
      h("h1", {}, all ? "Nothing is left that fits" : "Everything is decided"), filters.summary(choice),
      h("p", {}, h("kbd", {}, shownKey(keyOf("filter"))), " shows something else, ", h("kbd", {}, shownKey(keyOf("progress"))), " shows how far you are.")));
  }

  function drawHead() {
    const done = list.total - list.left;
    return h("header", { class: "head" },
      h("div", { class: "thread", role: "progressbar", "aria-label": "decided", "aria-valuemin": "0", "aria-valuemax": String(list.total), "aria-valuenow": String(done), vars: { share: list.total ? done / list.total : 0 } }),
      h("p", { class: "where" }, h("b", {}, item.transcript), ` · turn ${item.turn + 1} · `, h("span", {}, item.respondent ?? ""), attributes(item.attributes)),
      h("div", { class: "left" }, filters.summary(choice), h("span", { class: "count" }, `${list.left} left`)));
  }

  function drawTurn(turn, all) {
    const here = turn.turn === item.turn;
    const layers = here ? layersOf(all) : [];
    return h("article", { class: `turn ${turn.role}${here ? " here" : ""}`, "aria-current": here ? "true" : null },
      speaker(turn), h("p", { class: "words", dir: "auto" }, passage(turn, layers)));
  }

  function layersOf(all) {
    const now = all[code];
    const span = now && item.marks[now.code]?.span;
    const [start, end] = span ? [item.start + span[0], item.start + span[1]] : [item.start, item.end];
    const layers = [{ start, end, class: "segment" }];
    item.suggestions.forEach((proposal, i) => {
      for (const found of proposal.evidence) {
        const strong = proposal === now;
        layers.push({ start: found.start, end: found.end, class: strong ? "evidence strong" : "evidence", strong,
          color: colorOf(proposal.code), line: lineOf(i), label: String(i + 1), title: proposal.code });
      }
    });
    if (range) {
      const [from, to] = chosenSpan();
      layers.push({ start: from, end: to, class: "chosen" });
    }
    return layers;
  }

  function drawBlind() {
    if (range) {
      return h("p", { class: "note" }, h("b", {}, "Choose sentences. "), "Arrows move, with Shift they extend; ⏎ takes them for the code in focus, ",
        h("kbd", {}, shownKey(keyOf("add"))), " adds another code to them, Esc leaves.");
    }
    return item.blind
      ? h("p", { class: "note blind" }, h("b", {}, "Blind. "), "Judge by the words alone: what the machine thinks is not shown, so that agreement can be measured honestly. ",
        h("kbd", {}, shownKey(keyOf("accept"))), " marks a code, ", h("kbd", {}, shownKey(keyOf("finish"))), " ends the segment.",
        item.seen ? h("span", { class: "aside" }, " You have had the proposals of this answer in sight before: what you say now will not count as blind.") : null)
      : null;
  }

  function drawCodes(all) {
    if (!all.length) return h("p", { class: "note" }, "No code yet. ", h("kbd", {}, shownKey(keyOf("add"))), " adds one.");
    const proposals = new Map(item.suggestions.map((proposal, i) => [proposal.code, i]));
    return h("ol", { class: `codes ${item.blind ? "all" : ""}`, role: "listbox", tabindex: "0", "aria-label": "Codes", "aria-activedescendant": `code-${code}` },
      all.map((row, i) => drawCard(row, i, proposals.get(row.code))));
  }

  /** What the next key does, in words. */
  function drawNext(all) {
    const open = item.blind ? 0 : item.suggestions.filter((s) => !item.marks[s.code]).length;
    const held = all.filter((row) => item.marks[row.code]?.verdict === "present").length;
    const finish = h("kbd", {}, shownKey(keyOf("finish")));
    if (range) return null;
    if (item.blind) return h("p", { class: "next" }, h("b", {}, held ? `${held} marked. ` : "Nothing marked. "), finish, held ? " finishes: no other code holds." : " finishes: no code holds here.");
    if (open) return h("p", { class: "next" }, h("b", {}, `${open} to judge. `), finish, open === 1 ? " finishes: it does not hold." : " finishes: the rest does not hold.");
    return h("p", { class: "next" }, h("b", {}, all.length ? "All judged. " : ""), finish, " or ", h("kbd", {}, shownKey(keyOf("next"))), " goes on.");
  }

  function drawCard(row, i, number) {
    const now = i === code;
    const mark = item.marks[row.code];
    const weak = row.flags?.includes("weak");
    return h("li", {
      class: `card${now ? " now" : ""}${mark ? ` is-${mark.verdict}` : ""}${weak ? " weak" : ""}${mark?.pending ? " pending" : ""}`,
      role: "option", id: `code-${i}`, "aria-selected": now ? "true" : "false", "aria-label": spoken(row), vars: { code: colorOf(row.code) },
      onclick: () => { code = i; draw(); },
    },
      h("div", { class: "title" }, number === undefined ? null : h("span", { class: "number", vars: { line: lineOf(number) } }, String(number + 1)),
        tag(row.code), mark ? verdict(mark.verdict) : null),
      row.confidence === undefined ? (row.own && !item.blind ? h("p", { class: "origin" }, "added by you") : null)
        : h("div", { class: "confidence" }, bar(row.confidence, row.code), h("span", { class: "figure" }, hundredths(row.confidence)),
          now ? h("span", { class: "meaning" }, confidenceWords(row)) : null),
      now && row.evidence ? drawReasons(row) : null);
  }

  /** A code as it is read out: its name, how sure the machine is, what was said about it. */
  function spoken(row) {
    const mark = item.marks[row.code];
    const sure = row.confidence === undefined ? "" : `, confidence ${hundredths(row.confidence)}`;
    return `${facetName(row.code)} ${shortName(row.code)}${sure}, ${mark ? verdictWord(mark.verdict) : "not judged"}`;
  }

  /** Tells those who listen where they are. */
  function tell(fresh) {
    const all = rows();
    const what = all[code] ? `${code + 1} of ${all.length}: ${spoken(all[code])}` : "no code yet";
    announce(fresh ? `${item.transcript}, turn ${item.turn + 1}${item.blind ? ", blind" : ""}. ${what}` : what);
  }

  function drawReasons(row) {
    const reason = (found) => h("li", {}, h("q", {}, found.text), " ",
      h("span", { class: "why" }, found.weight < 0 ? "speaks against it" : "speaks for it", ` (${found.weight > 0 ? "+" : ""}${found.weight.toFixed(2)}), rule `, h("code", {}, found.rule)),
      found.context.map((test) => h("span", { class: "flag" }, test)));
    return h("div", { class: "reasons" },
      row.evidence.length ? h("ul", {}, row.evidence.map(reason)) : h("p", { class: "why" }, "No single phrase speaks for it."),
      row.flags.map((flag) => h("span", { class: "flag" }, flagWords(flag))));
  }

  function drawMemo() {
    return item.memo ? h("aside", { class: "memo", dir: "auto", "aria-label": "Memo" }, item.memo) : null;
  }

  return {
    hints: [["accept", "accept"], ["reject", "reject"], ["acceptAll", "accept all"], ["change", "change"], ["add", "add"], ["unsure", "unsure"], ["sentences", "sentences"],
      ["memo", "memo"], ["finish", "finish"], ["definition", "definition"], ["undo", "undo"], ["filter", "filter"], ["help", "all keys"]],
    actions: {
      accept: () => judge("accept", "present"),
      reject: () => judge("reject", "absent"),
      unsure: () => judge("unsure", "unsure"),
      change, add: addCode, memo, sentences: startSentences,
      finish: finish, acceptAll,
      up: () => move(-1), down: () => move(1), extendUp: () => move(-1, true), extendDown: () => move(1, true),
      next: advance, previous: previous,
      open: () => item && app.show("transcript", { name: item.transcript, turn: item.turn }),
      filter: () => filters.ask(choice, app.session, setFilter),
      definition: () => { const row = rows()[code]; if (row) dialog("Definition", definition(row.code)); },
      leave: () => { range = null; draw(); },
      bulk: () => app.show("table", { bulk: true }),
    },
    async enter(params) {
      await load(0);
      if (params.id) return go({ id: params.id, at: list.ids.find(({ id }) => id === params.id)?.at ?? -1 });
      const first = list.ids[0];
      return first ? go(first) : draw();
    },
    /** Other segments may be blind now: what comes next is asked again. The one in focus stays. */
    async stale() {
      ready.clear();
      await load(Math.max(0, place.at));
    },
    /** After undo and redo: everything may have changed; the segment that did is shown. */
    async refresh(segment) {
      ready.clear();
      const from = Math.max(0, place.at);
      await load(from);
      // Who is choosing sentences is not taken elsewhere.
      if (range) return;
      if (segment && segment !== place.id) await go({ id: segment, at: list.ids.find(({ id }) => id === segment)?.at ?? place.at - 1 });
      else if (place.id) await go(place, true);
      else await load(0).then(() => advance());
    },
  };
}
