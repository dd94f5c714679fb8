// The frame: who is here, which view, which key does what, how saving stands.

import { announce, dialog, fill, h, toast } from "./dom.js";
import { ACTIONS, actionOf, isRemapped, keyOf, pressed, remap, resetKeys, shownKey } from "./keys.js";
import * as server from "./server.js";
import { useCodebook } from "./words.js";
import { queueView } from "./queue.js";
import { transcriptView } from "./transcript.js";
import { tableView } from "./table.js";
import { progressView } from "./progress.js";
import { adjudicateView } from "./adjudicate.js";
import { codebookView } from "./codebook.js";

const VIEWS = {
  queue: ["Queue", queueView], transcript: ["Transcript", transcriptView], table: ["Table", tableView],
  progress: ["Progress", progressView], adjudicate: ["Adjudication", adjudicateView], codebook: ["Codebook", codebookView],
};

const app = { session: null, view: null, name: "", show, act, undone: null };
const main = document.getElementById("main");
let chain = Promise.resolve();
const status = h("span", { class: "status", id: "status" });

/** Shows a view. */
async function show(name, params = {}) {
  app.view?.leave?.();
  app.name = name;
  sessionStorage.setItem("precode.view", name);
  app.view = VIEWS[name][1](app, main);
  drawBar();
  drawHints();
  main.className = `view ${name}`;
  fill(main, h("p", { class: "empty" }, "…"));
  try {
    await app.view.enter(params);
  } catch (error) {
    if (error.status !== 401) fill(main, h("p", { class: "empty" }, error.message));
  }
}

function drawBar() {
  const tabs = Object.entries(VIEWS).map(([name, [title]]) => h("button", {
    class: "tab", "aria-current": name === app.name ? "page" : null, onclick: () => show(name), title: `${title} (${shownKey(keyOf(name))})`,
  }, title));
  fill(document.getElementById("bar"),
    h("span", { class: "mark" }, "precode"),
    h("nav", { "aria-label": "Views" }, tabs),
    h("span", { class: "grow" }),
    status,
    h("span", { class: "who", title: `You review as ${app.session.coder}` }, app.session.coder),
    h("button", { class: "plain", onclick: help, "aria-label": "All keys" }, "?"));
}

function drawHints() {
  const hints = app.view.hints ?? [];
  fill(document.getElementById("hints"), hints.map(([id, words]) =>
    h("button", { class: "hint", tabindex: "-1", onclick: () => act(id) }, h("kbd", {}, shownKey(keyOf(id))), " ", words)));
}

/** Does an action: the view's, or the frame's. */
function act(id, event) {
  const own = app.view?.actions?.[id];
  if (own) {
    // One after the other: a key that comes while the next segment is on its way is meant for that one.
    chain = chain.then(() => own(event)).catch((error) => toast(error.message, "bad"));
    return chain;
  }
  const general = GENERAL[id];
  if (general) return general(event);
  return undefined;
}

/** Begins something when everything that was pressed before has begun; what comes after does not wait for its end. */
function inTurn(begin) {
  chain = chain.then(() => { begin(); });
}

const GENERAL = {
  help, undo: () => inTurn(() => turn("undo")), redo: () => inTurn(() => turn("redo")), history, theme, reload,
  // In their turn, so that a key that comes while the view is on its way is meant for that view.
  ...Object.fromEntries(Object.keys(VIEWS).map((name) => [name, () => { chain = chain.then(() => show(name)); return chain; }])),
};

document.addEventListener("keydown", (event) => {
  if (!app.session || event.defaultPrevented || document.querySelector("dialog[open]")) return;
  const field = event.target.closest?.("input, textarea, select");
  if (field) {
    if (event.key === "Escape") field.blur();
    return;
  }
  // Enter and blank on a button are that button's, unless the focus only rests there after a click.
  const onButton = event.target.closest?.("button, a") && !event.target.closest("#hints");
  if (onButton && (event.key === "Enter" || event.key === " ") && event.target.matches(":focus-visible")) return;
  const id = actionOf(event);
  // A key held down moves; it does not judge one segment after the other.
  if (event.repeat && !["up", "down", "next", "previous", "extendUp", "extendDown"].includes(id)) return;
  if (!id || (!app.view?.actions?.[id] && !GENERAL[id])) return;
  event.preventDefault();
  act(id, event);
});

/** Undo and redo of whatever was done last. */
async function turn(kind, target) {
  try {
    const done = await server.submit(`/api/${kind}`, target ? { target } : {});
    const what = [done.action, done.code].filter(Boolean).join(" ");
    toast(`${kind === "undo" ? "Undone" : "Done again"}: ${what}${done.n > 1 ? ` (${done.n} steps)` : ""}`);
    await app.view.refresh?.(done.segment);
  } catch (error) {
    toast(error.code === "nothing" ? `Nothing to ${kind}.` : error.message, "bad");
  }
}

/** What was done, as one says it. */
const DONE = {
  accept: "accepted", reject: "rejected", change: "changed", add: "added", span: "chose sentences for", unsure: "unsure of",
  memo: "wrote a memo", done: "finished", undo: "undid", redo: "did again", settle: "settled",
};

async function history() {
  const { operations } = await server.get("/api/history");
  const row = (op) => h("li", { class: op.stands || op.action === "undo" || op.action === "redo" ? "" : "undone" },
    h("p", {}, h("span", { class: "when", title: op.time }, new Date(op.time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })),
      h("b", {}, DONE[op.action] ?? op.action), " ", op.what, " ",
      h("span", { class: "where" }, op.transcript ? `${op.transcript}:${op.turn + 1}` : "", op.rows > 1 ? ` · ${op.rows} decisions in one step` : "")),
    op.quote ? h("q", { dir: "auto" }, op.quote) : null,
    op.action === "undo" || op.action === "redo" ? null
      : h("button", { "aria-label": `${op.stands ? "Undo" : "Redo"}: ${DONE[op.action]} ${op.what}`, onclick: () => { box.close(); turn(op.stands ? "undo" : "redo", op.op); } }, op.stands ? "Undo" : "Redo"));
  const box = dialog("What I did", operations.length ? h("ol", { class: "history" }, operations.map(row)) : h("p", {}, "Nothing yet."));
}

function help() {
  const groups = [...new Set(Object.values(ACTIONS).map(([, , group]) => group))];
  const list = h("div", { class: "keys" });
  const said = h("p", { class: "wrong", role: "alert" });
  const draw = () => fill(list, groups.map((group) => h("section", {}, h("h3", {}, group),
    Object.entries(ACTIONS).filter(([, [, , g]]) => g === group).map(([id, [, words]]) => {
      const button = h("button", { class: `keyrow${isRemapped(id) ? " yours" : ""}`, "data-action": id, "aria-label": `${words}: ${shownKey(keyOf(id))}${isRemapped(id) ? ", your key" : ""}` },
        h("kbd", {}, shownKey(keyOf(id))), h("span", {}, words));
      button.addEventListener("click", () => listen(id, button));
      return button;
    }))));
  const drawAll = () => { draw(); drawBar(); drawHints(); };
  const listen = (id, button) => {
    fill(button, h("kbd", { class: "wait" }, "…"), h("span", {}, "press the new key, Esc to leave it"));
    button.addEventListener("keydown", (event) => {
      event.preventDefault();
      event.stopPropagation();
      if (["Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
      const key = pressed(event);
      said.textContent = key && key !== "Escape" ? remap(id, key) : "";
      drawAll();
      list.querySelector(`[data-action="${id}"]`)?.focus();
    });
    button.addEventListener("blur", draw);
  };
  draw();
  dialog("Keys", h("p", { class: "about" }, "Press ⏎ on an action to give it another key. The choice stays in this browser."), list, said, h("div", { class: "buttons" },
    h("button", { class: "reset", onclick: () => { resetKeys(); said.textContent = ""; drawAll(); } }, "Back to the usual keys")));
}

function theme() {
  const next = { "": "dark", dark: "light", light: "" }[document.documentElement.dataset.theme ?? ""];
  setTheme(next);
  announce(next || "as the system");
}

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  localStorage.setItem("precode.theme", theme);
}

async function reload() {
  await server.post("/api/reload", {});
  await begin();
}

/** Says in words whether everything is on disk. */
function drawStatus({ trouble, waiting, underway }) {
  const step = underway && `step of ${underway.all.toLocaleString("en")}: ${Math.floor((100 * underway.done) / underway.all)} %`;
  const words = {
    "": step ?? (waiting ? `saving ${waiting} …` : "saved"),
    offline: `not connected, ${waiting} waiting`,
    restarted: `the server was restarted, ${waiting} waiting`,
    full: `NOT saved: the disk is full, ${waiting} waiting`,
    busy: `not saved yet, ${waiting} waiting`,
  }[trouble];
  status.className = `status ${trouble ? "bad" : waiting ? "busy" : "good"}`;
  if (status.textContent !== words) status.textContent = words;
  status.setAttribute("role", trouble ? "alert" : "note");
}

window.addEventListener("beforeunload", (event) => {
  if (server.waiting()) event.preventDefault();
});

function lockedOut() {
  if (document.querySelector(".locked")) return;
  const n = server.waiting();
  fill(main, h("section", { class: "welcome locked" },
    h("h1", {}, "This page needs a new link"),
    h("p", {}, "The server was restarted, or this tab was opened without a key. In the terminal, ", h("code", {}, "precode review"),
      " names a file for you: open it in this browser."),
    n ? h("p", {}, `${n} decision${n > 1 ? "s are" : " is"} kept in this browser and will be sent then.`) : null));
}

/** Asks for a name. */
function welcome() {
  const input = h("input", { type: "text", name: "name", autocomplete: "off", maxlength: "40", "aria-label": "Your name" });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const form = h("form", { class: "welcome" }, h("h1", {}, "Who is reviewing?"),
    h("p", {}, "Your decisions are kept under this name. Use the same one every time."), input, wrong,
    h("button", { class: "main" }, "Begin"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const { key } = await server.post("/api/signin", { name: input.value });
      server.useKey(key);
      await begin();
    } catch (error) {
      wrong.textContent = error.message;
    }
  });
  fill(main, form);
  input.focus();
}

async function begin() {
  try {
    const session = await server.get("/api/session");
    if (session.needs_name) return welcome();
    app.session = session;
  } catch (error) {
    if (error.status === 401) return lockedOut();
    fill(main, h("p", { class: "empty" }, error.message));
    return setTimeout(begin, 1500);
  }
  useCodebook(app.session.codebook);
  const resumed = server.resume(app.session.coder);
  drawStatus({ trouble: "", waiting: server.waiting() });
  const wanted = app.session.adjudicator ? "adjudicate" : sessionStorage.getItem("precode.view") ?? "queue";
  await show(VIEWS[wanted] ? wanted : "queue");
  if (resumed) toast(`${resumed} unsent decision${resumed > 1 ? "s" : ""} found and sent.`);
  if (app.session.read_only) toast("The journal is damaged: nothing can be saved.", "bad");
  return undefined;
}

/** Another run may have been published, or the program may be a newer one. */
async function lookAround() {
  if (!app.session) return;
  try {
    const now = await server.get("/api/session");
    if (now.version !== app.session.version && !server.waiting()) location.reload();
    if (now.edition !== app.session.edition) {
      app.session.edition = now.edition;
      app.view?.stale?.();
    }
    if (now.new_results) toast(`There are new results: ${shownKey(keyOf("reload"))} loads them.`);
  } catch {
    // The status line says that the server does not answer.
  }
}

setTheme(localStorage.getItem("precode.theme") ?? "");
server.watch(drawStatus, lockedOut);
if (server.takeKey()) begin();
else lockedOut();
// The link may be opened in a tab that shows the page already: only the fragment changes then.
window.addEventListener("hashchange", () => { if (server.takeKey()) begin(); });
setInterval(lookAround, 30_000);
