// Talks to the server. A decision leaves this page only when the server has said that it is on disk.

let key = null;
let coder = "";
let onState = () => {};
let onAuth = () => {};

/** Version of each segment as last heard. */
export const versions = new Map();

/** Decisions on their way, oldest first. */
const outbox = [];
let sending = false;
let trouble = "";

/** Takes the key out of the address, so that it is in no history, and keeps it for this tab. */
export function takeKey() {
  const found = new URLSearchParams(location.hash.slice(1)).get("key");
  if (found) {
    sessionStorage.setItem("precode.key", found);
    history.replaceState(null, "", "/");
  }
  key = sessionStorage.getItem("precode.key");
  return key !== null;
}

export function useKey(newKey) {
  key = newKey;
  sessionStorage.setItem("precode.key", newKey);
}

export function watch(state, auth) {
  onState = state;
  onAuth = auth;
}

async function call(method, path, body, keepalive = false) {
  const headers = { Authorization: `Bearer ${key}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const reply = await fetch(path, {
    method, headers, keepalive, cache: "no-store", credentials: "omit", redirect: "error",
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const version = reply.headers.get("x-precode-version");
  const value = await reply.json().catch(() => ({}));
  return { status: reply.status, value, version };
}

/** An answer, or an error with `status` and `code`. */
export async function get(path, params = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== null) query.set(name, typeof value === "object" ? JSON.stringify(value) : value);
  }
  const text = query.toString();
  let reply;
  try {
    reply = await call("GET", text ? `${path}?${text}` : path);
  } catch {
    setTrouble("offline");
    throw Object.assign(new Error("The server does not answer."), { status: 0, code: "offline" });
  }
  if (trouble === "offline") setTrouble("");
  return result(reply);
}

/** Asks at once for something that is no decision. */
export async function post(path, body) {
  return result(await call("POST", path, body));
}

function result({ status, value }) {
  if (status === 200) return value;
  if (status === 401) onAuth();
  const first = value.errors?.[0] ?? { code: "unknown", message: `The server answered ${status}.`, help: "" };
  throw Object.assign(new Error(first.message), { status, code: first.code, help: first.help, present: value.present });
}

/** A new id for an operation. */
export function newId() {
  return crypto.randomUUID();
}

/** Remembers an item's version. */
export function heard(item) {
  if (item?.id && item.version !== undefined) versions.set(item.id, item.version);
  return item;
}

/** Where an unsent decision waits. Remarks are people's words: they stay in this tab and not on the disk. */
function shelf(entry) {
  return entry.body.action === "memo" || entry.body.note ? sessionStorage : localStorage;
}

function shelfKey(entry) {
  return `precode.op.${coder}.${entry.body.op_id}`;
}

/**
 * Sends a decision; resolves when it is on disk. Decisions go in the order in which they were made. A `version` of null
 * stands for the present one, which is asked for when the decision's turn has come.
 */
export function submit(path, body, segment) {
  const entry = { path, segment, at: Date.now(), body: { op_id: newId(), ...body } };
  const promise = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }));
  shelf(entry).setItem(shelfKey(entry), JSON.stringify({ path, segment, at: entry.at, body: entry.body }));
  outbox.push(entry);
  pump();
  return promise;
}

/** Takes up what an earlier page could not send. */
export function resume(name) {
  coder = name;
  const found = [];
  for (const store of [localStorage, sessionStorage]) {
    for (let i = 0; i < store.length; i++) {
      const name = store.key(i);
      if (!name.startsWith(`precode.op.${coder}.`)) continue;
      try {
        const entry = JSON.parse(store.getItem(name));
        if (!outbox.some((known) => known.body.op_id === entry.body.op_id)) found.push(entry);
      } catch {
        store.removeItem(name);
      }
    }
  }
  found.sort((a, b) => a.at - b.at);
  for (const entry of found) outbox.push({ ...entry, resolve() {}, reject() {} });
  pump();
  return found.length;
}

export function waiting() {
  return outbox.length;
}

function setTrouble(what) {
  trouble = what;
  onState({ trouble, waiting: outbox.length });
}

async function pump() {
  if (sending) return;
  sending = true;
  while (outbox.length) {
    onState({ trouble, waiting: outbox.length });
    const pause = await sendFirst(outbox[0]);
    if (pause < 0) break;
    if (pause) await new Promise((wake) => setTimeout(wake, pause));
  }
  sending = false;
  onState({ trouble, waiting: outbox.length });
}

/** While a large step is being written: how far it is. */
async function follow() {
  try {
    const { value } = await call("GET", "/api/underway");
    if (value.all > 1000) onState({ trouble, waiting: outbox.length, underway: value });
  } catch {
    // Whoever sends the step hears about it.
  }
}

/** Sends one; says how long to wait before the next try, or -1 when there is no use in trying. */
async function sendFirst(entry) {
  const body = { ...entry.body };
  try {
    if (body.version === null && !versions.has(entry.segment)) heard(await get("/api/item", { id: entry.segment }));
  } catch (error) {
    if (error.status === 0 || error.status === 503) return 1000;
    if (error.status === 507) {
      setTrouble("full");
      return 3000;
    }
  }
  if (entry.segment && versions.has(entry.segment) && "version" in body) body.version = versions.get(entry.segment);
  let reply;
  let watcher = null;
  try {
    watcher = setInterval(follow, 400);
    reply = await call("POST", entry.path, body, true);
  } catch {
    setTrouble("offline");
    return 1000;
  } finally {
    clearInterval(watcher);
  }
  const { status } = reply;
  if (status === 401) {
    setTrouble("restarted");
    onAuth();
    return -1;
  }
  if (status === 503 || status === 507 || status === 408) {
    setTrouble(status === 507 ? "full" : "busy");
    return status === 507 ? 3000 : 1000;
  }
  trouble = "";
  outbox.shift();
  shelf(entry).removeItem(shelfKey(entry));
  try {
    const value = result(reply);
    heard(value.item);
    entry.resolve(value);
  } catch (error) {
    heard(error.present);
    entry.reject(error);
  }
  return 0;
}
