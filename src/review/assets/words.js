// Words on the screen: passages with their evidence, codes with their marks, numbers.

import { h } from "./dom.js";

/** How the underlines of the first, second, … code of a segment look: never by colour alone. */
const LINES = ["solid", "dashed", "dotted", "double", "wavy"];

export function lineOf(index) {
  return LINES[index % LINES.length];
}

let book = new Map();

export function useCodebook(codebook) {
  book = new Map(codebook.codes.map((code) => [code.name, code]));
}

export function codeOf(name) {
  return book.get(name) ?? { name, definition: "", include: "", exclude: "", color: "" };
}

export function colorOf(name) {
  const color = codeOf(name).color;
  return /^#[0-9a-fA-F]{6}$/.test(color) ? color : "#6b7280";
}

/** A code's own name, without its facet. */
export function shortName(name) {
  const at = name.indexOf(".");
  return (at < 0 ? name : name.slice(at + 1)).replaceAll("_", " ");
}

export function facetName(name) {
  return name.split(".")[0].replaceAll("_", " ");
}

/** A code's name with its facet and a swatch. */
export function tag(name, extra = "") {
  return h("span", { class: `tag ${extra}`, vars: { code: colorOf(name) } },
    h("span", { class: "facet" }, facetName(name)), " ", h("span", { class: "name" }, shortName(name)));
}

const VERDICTS = {
  present: ["✓", "holds"], absent: ["✕", "does not hold"], unsure: ["?", "unsure"],
};

/** A verdict by sign and word. */
export function verdict(value, words = null) {
  const [sign, word] = VERDICTS[value] ?? ["", ""];
  if (!value) return null;
  const bare = words === "";
  return h("span", { class: `verdict ${value}${bare ? " bare" : ""}`, role: bare ? "img" : null, "aria-label": bare ? word : null, title: bare ? word : null },
    h("span", { "aria-hidden": "true" }, sign), " ", words ?? word);
}

export function verdictWord(value) {
  return VERDICTS[value]?.[1] ?? "";
}

export function percent(n, of) {
  return of ? `${Math.round((100 * n) / of)} %` : "–";
}

const FLAGS = {
  weak: "weak: below the threshold of a proposal",
  conflict: "conflict: an exclusive code came close",
  echo: "echo: repeats the interviewer's word",
  reported: "reported: someone else's words",
  negated: "negated",
  hypothetical: "hypothetical",
  past: "about the past",
  short: "short",
  guessed_speaker: "the speaker's role is a guess",
};

export function flagWords(flag) {
  return FLAGS[flag] ?? flag;
}

/** What the number of a proposal means, honestly. */
export function confidenceWords(proposal) {
  return proposal.calibrated_on > 0
    ? `fitted on ${proposal.calibrated_on} judgements`
    : "score, not a probability";
}

/** A confidence in hundredths, cut and not rounded: one just below a half is weak, and must not read as 0.50. */
export function hundredths(confidence) {
  return (Math.floor(confidence * 100 + 1e-6) / 100).toFixed(2);
}

/** A bar from 0 to 1 with a mark at one half. */
export function bar(confidence, name) {
  return h("span", { class: "bar", role: "img", "aria-label": `confidence ${hundredths(confidence)}`, vars: { code: colorOf(name), share: confidence } },
    h("span", { class: "part" }), h("span", { class: "half" }));
}

/**
 * The words of a turn, cut wherever something begins or ends.
 * `layers`: [{start, end, class, color, line, label}] in code points of the transcript.
 */
export function passage(turn, layers) {
  const chars = Array.from(turn.text);
  const end = turn.start + chars.length;
  const cuts = new Set([turn.start, end]);
  for (const layer of layers) {
    for (const at of [layer.start, layer.end]) if (at > turn.start && at < end) cuts.add(at);
  }
  const places = [...cuts].sort((a, b) => a - b);
  const pieces = [];
  if (turn.cut_before) pieces.push("… ");
  for (let i = 0; i + 1 < places.length; i++) {
    const [from, to] = [places[i], places[i + 1]];
    const text = chars.slice(from - turn.start, to - turn.start).join("");
    pieces.push(piece(text, layers.filter((layer) => layer.start <= from && to <= layer.end), from));
  }
  if (turn.cut_after) pieces.push(" …");
  return pieces;
}

/** Numbers with runs drawn together: 1–3,7. */
function runs(labels) {
  const numbers = labels.map(Number);
  const parts = [];
  for (let i = 0; i < numbers.length; i++) {
    let last = i;
    while (numbers[last + 1] === numbers[last] + 1) last += 1;
    parts.push(last - i > 1 ? `${numbers[i]}–${numbers[last]}` : numbers.slice(i, last + 1).join());
    i = last;
  }
  return parts.join();
}

function piece(text, layers, from) {
  if (!layers.length) return text;
  const marks = layers.filter((layer) => layer.line);
  const first = marks.find((layer) => layer.strong) ?? marks[0];
  // Several words of one code may overlap: its label stands where the first of them begins.
  const running = new Set(marks.filter((layer) => layer.start < from).map((layer) => layer.label));
  const begun = marks.filter((layer) => layer.start === from && layer.label && !running.has(layer.label)).map((layer) => layer.label);
  const labels = begun.length ? h("sup", { "aria-hidden": "true" }, runs([...new Set(begun)])) : null;
  // The label stands before the words and not among them: the underline is theirs.
  return [labels, h("span", {
    class: layers.map((layer) => layer.class).join(" "),
    title: marks.map((layer) => layer.title).filter(Boolean).join("; ") || null,
    vars: first ? { code: first.color, line: first.line } : {},
  }, text)];
}

/** Who speaks, and what they do. */
export function speaker(turn) {
  const told = turn.role === "respondent" || turn.speaker.toLowerCase().startsWith(turn.role);
  const role = told ? "" : ` · ${turn.role}`;
  return h("span", { class: "speaker" }, turn.speaker || "unlabelled", h("span", { class: "role" }, role, turn.guessed ? " (guessed)" : ""));
}

/** Attributes that say where others come from, or what stands beside them already. */
const BESIDE = ["level_source", "respondent_id", "source_type"];

/** Attributes of a respondent on one line. */
export function attributes(values) {
  return Object.entries(values ?? {}).filter(([name, value]) => value && !BESIDE.includes(name)).map(([name, value]) => h("span", { class: "attribute", title: name }, value.replaceAll("_", " ")));
}
