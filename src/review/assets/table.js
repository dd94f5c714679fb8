// The table: every proposal on one line; filter, sort, and decide on many at once.

import { dialog, fill, h, toast } from "./dom.js";
import * as filters from "./filters.js";
import * as server from "./server.js";
import { bar, hundredths, tag, verdict } from "./words.js";
import { keyOf, shownKey } from "./keys.js";

const PAGE = 50;

export function tableView(app, main) {
  let choice = filters.load();
  let sort = { by: "place", down: false };
  let from = 0;
  let at = 0;
  let answer = { rows: [], total: 0, hidden: 0 };

  async function load() {
    answer = await server.get("/api/table", { filter: choice.filter, sort, from, limit: PAGE });
    at = Math.max(0, Math.min(at, answer.rows.length - 1));
    draw();
  }

  async function move(step) {
    if (at + step >= answer.rows.length && from + PAGE < answer.total) {
      from += PAGE;
      at = 0;
      await load();
    } else if (at + step < 0 && from > 0) {
      from = Math.max(0, from - PAGE);
      at = PAGE - 1;
      await load();
    } else {
      at = Math.max(0, Math.min(answer.rows.length - 1, at + step));
      draw();
    }
    main.querySelector("tr.now")?.scrollIntoView({ block: "nearest" });
  }

  async function judge(action) {
    const row = answer.rows[at];
    if (!row) return;
    const value = { accept: "present", reject: "absent", unsure: "unsure" }[action];
    row.verdict = value;
    const now = at;
    move(1);
    try {
      await server.submit("/api/decide", { segment: row.segment, version: null, action, code: row.code }, row.segment);
    } catch (error) {
      server.versions.delete(row.segment);
      row.verdict = null;
      at = now;
      draw();
      toast(error.code === "stale" ? "This segment was changed elsewhere: look at it and decide again." : error.message, "bad");
    }
  }

  /** All that fit, in one step, which one key takes back. */
  async function bulk() {
    const filter = { ...choice.filter, state: "undecided" };
    const count = async () => (await server.get("/api/table", { filter, limit: 1 })).total;
    let n = await count();
    const least = h("input", { type: "number", min: "0", max: "1", step: "0.05", value: filter.min ?? 0.5, "aria-label": "Least confidence" });
    const line = h("p", { class: "big", role: "status" });
    const say = () => { line.textContent = `${n} undecided proposal${n === 1 ? "" : "s"} fit.`; };
    const recount = async () => { filter.min = Number(least.value); n = await count(); say(); };
    least.addEventListener("input", recount);
    const apply = async (action) => {
      box.close();
      if (!n) return;
      try {
        const done = await server.submit("/api/bulk", { action, filter, expected: n });
        toast(`${action === "accept" ? "Accepted" : "Rejected"} ${done.n} proposals in one step. ${shownKey(keyOf("undo"))} takes it back.`);
      } catch (error) {
        toast(error.message, "bad");
      }
      server.versions.clear();
      await load();
    };
    const box = dialog("Decide on all that fit", filters.summary({ filter }, false), h("label", {}, "Confidence from ", least), line,
      h("p", { class: "about" }, "Segments of the blind stratum are never part of this."),
      h("div", { class: "buttons" }, h("button", { onclick: () => box.close() }, "Leave"),
        h("button", { onclick: () => apply("reject") }, "Reject all"),
        h("button", { class: "main", id: "accept-all", onclick: () => apply("accept") }, "Accept all")));
    await recount();
    least.focus();
    least.addEventListener("keydown", async (event) => { if (event.key === "Enter") { event.preventDefault(); await recount(); apply("accept"); } });
  }

  const COLUMNS = [["place", "Place"], ["code", "Code"], ["confidence", "Confidence"], [null, "Words"], ["respondent", "Respondent"], ["verdict", "You"]];

  function draw() {
    const head = ([by, title]) => h("th", { scope: "col", "aria-sort": by && sort.by === by ? (sort.down ? "descending" : "ascending") : null },
      by ? h("button", { onclick: () => { sort = { by, down: sort.by === by && !sort.down }; from = 0; load(); } }, title, sort.by === by ? (sort.down ? " ↓" : " ↑") : "") : title);
    const line = (row, i) => h("tr", { class: `${i === at ? "now" : ""}${row.verdict ? ` is-${row.verdict}` : ""}`, "aria-selected": i === at ? "true" : "false", onclick: () => { at = i; draw(); }, ondblclick: () => openRow() },
      h("td", { class: "where" }, `${row.transcript}:${row.turn + 1}`), h("td", { class: "what" }, tag(row.code)),
      h("td", { class: "number" }, bar(row.confidence, row.code), h("span", { class: "figure" }, hundredths(row.confidence)), row.flags.map((flag) => h("span", { class: "flag" }, flag.replaceAll("_", " ")))),
      h("td", { class: "words-of" }, h("div", { class: "quote", dir: "auto" }, row.text)), h("td", { class: "person" }, row.respondent), h("td", { class: "said" }, row.verdict ? verdict(row.verdict) : h("span", { class: "none" }, "–")));
    fill(main,
      h("header", { class: "head" }, h("h1", {}, `${answer.total} proposal${answer.total === 1 ? "" : "s"}`), filters.summary(choice, false),
        answer.hidden ? h("p", { class: "about" }, `${answer.hidden} blind segments are not listed until you have judged them.`) : null,
        h("button", { class: "main", onclick: bulk }, "Decide on all that fit ", h("kbd", {}, shownKey(keyOf("bulk"))))),
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Proposals" },
        h("table", {}, h("thead", {}, h("tr", {}, COLUMNS.map(head))), h("tbody", {}, answer.rows.map(line)))),
      h("p", { class: "about pages" }, answer.total ? `${from + 1} to ${from + answer.rows.length} of ${answer.total}` : "Nothing fits."));
  }

  const openRow = () => answer.rows[at] && app.show("queue", { id: answer.rows[at].segment });

  return {
    hints: [["accept", "accept"], ["reject", "reject"], ["unsure", "unsure"], ["open", "open"], ["bulk", "all that fit"], ["filter", "filter"], ["undo", "undo"], ["help", "all keys"]],
    actions: {
      // Not waited for: the next key need not wait for a disk.
      accept: () => { judge("accept"); }, reject: () => { judge("reject"); }, unsure: () => { judge("unsure"); },
      up: () => move(-1), down: () => move(1), next: () => move(PAGE), previous: () => move(-PAGE),
      open: openRow, finish: openRow, bulk: () => { bulk(); },
      filter: () => filters.ask(choice, app.session, (next) => { choice = next; filters.save(next); from = 0; load(); }),
    },
    async enter(params) {
      await load();
      if (params.bulk) await bulk();
    },
    async refresh() {
      server.versions.clear();
      await load();
    },
  };
}
