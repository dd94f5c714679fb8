// Every action has one key. People may choose others; the choice stays in this browser.

/** id: [default key, what it does, where it belongs] */
export const ACTIONS = {
  accept: ["a", "Accept: the code holds", "Judging"],
  reject: ["r", "Reject: the code does not hold", "Judging"],
  unsure: ["u", "Unsure", "Judging"],
  change: ["c", "Change to another code", "Judging"],
  add: ["+", "Add a code", "Judging"],
  sentences: ["s", "Choose sentences for the code", "Judging"],
  memo: ["m", "Write a memo", "Judging"],
  acceptAll: ["A", "Accept every proposal of the segment", "Judging"],
  finish: ["Enter", "Finish: nothing else holds here", "Judging"],
  bulk: ["b", "Accept or reject all that fit the filter", "Judging"],
  undo: ["z", "Undo", "Judging"],
  redo: ["Z", "Redo", "Judging"],
  up: ["ArrowUp", "Up", "Moving"],
  down: ["ArrowDown", "Down", "Moving"],
  extendUp: ["Shift+ArrowUp", "Extend the choice upwards", "Moving"],
  extendDown: ["Shift+ArrowDown", "Extend the choice downwards", "Moving"],
  next: ["ArrowRight", "Next segment, or next coded passage", "Moving"],
  previous: ["ArrowLeft", "Back", "Moving"],
  open: ["o", "Open in the transcript, or in the queue", "Moving"],
  search: ["/", "Search", "Moving"],
  filter: ["f", "Order and filter", "Moving"],
  definition: ["d", "Definition of the code", "Looking"],
  history: ["h", "What I did; undo any of it", "Looking"],
  queue: ["1", "Queue", "Views"],
  transcript: ["2", "Transcript", "Views"],
  table: ["3", "Table", "Views"],
  progress: ["4", "Progress", "Views"],
  adjudicate: ["5", "Adjudication", "Views"],
  codebook: ["6", "Codebook", "Views"],
  theme: ["T", "Light, dark, or as the system", "Looking"],
  reload: ["R", "Load new results", "Looking"],
  help: ["?", "All keys", "Looking"],
  leave: ["Escape", "Leave, close", "Moving"],
};

let chosen = {};
try {
  chosen = JSON.parse(localStorage.getItem("precode.keys") ?? "{}");
} catch {
  chosen = {};
}

/** The key of an action. */
export function keyOf(id) {
  return chosen[id] ?? ACTIONS[id][0];
}

/** Keys that the browser or the page itself needs. */
const RESERVED = ["Escape", "Tab", "Enter", " ", "Backspace", "F5"];

/** Gives an action another key. Says why not, when the key is not to be had: one key does one thing. */
export function remap(id, key) {
  if (key === keyOf(id)) return "";
  if (RESERVED.includes(key) && key !== ACTIONS[id][0]) return `${shownKey(key)} cannot be given away`;
  const other = Object.keys(ACTIONS).find((known) => known !== id && keyOf(known) === key);
  if (other) return `${shownKey(key)} is taken by “${ACTIONS[other][1]}”: give that one another key first`;
  chosen[id] = key;
  localStorage.setItem("precode.keys", JSON.stringify(chosen));
  return "";
}

/** True when some action has another key than at first. */
export function isRemapped(id) {
  return keyOf(id) !== ACTIONS[id][0];
}

export function resetKeys() {
  chosen = {};
  localStorage.removeItem("precode.keys");
}

/** The name of a pressed key: what it types, or what it is called. */
export function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const named = event.key.length > 1;
  return named && event.shiftKey ? `Shift+${event.key}` : event.key;
}

/** The action of a pressed key. */
export function actionOf(event) {
  const key = pressed(event);
  return key && Object.keys(ACTIONS).find((id) => keyOf(id) === key);
}

const SHOWN = {
  ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", "Shift+ArrowUp": "⇧↑", "Shift+ArrowDown": "⇧↓",
  Enter: "⏎", Escape: "Esc", " ": "Space",
};

/** A key as it is shown. */
export function shownKey(key) {
  if (SHOWN[key]) return SHOWN[key];
  return key.length === 1 && key !== key.toLowerCase() ? `⇧${key.toLowerCase()}` : key;
}
