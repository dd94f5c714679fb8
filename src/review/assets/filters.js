// Order and filter: one choice for the queue and the table, kept for this tab.

import { dialog, h } from "./dom.js";
import { flagWords, tag } from "./words.js";

const ORDERS = {
  uncertainty: "least certain first", code: "by code", respondent: "by respondent", transcript: "by transcript",
  random: "random", newest: "newest rule first",
};
const STATES = { undecided: "undecided", all: "all", decided: "decided", unsure: "left unsure", memo: "with a memo" };
const FLAGS = ["weak", "conflict", "echo", "reported", "negated", "hypothetical", "past", "short", "guessed_speaker"];

export function load() {
  const start = { order: "uncertainty", filter: { state: "undecided" } };
  try {
    return { ...start, ...JSON.parse(sessionStorage.getItem("precode.choice") ?? "{}") };
  } catch {
    return start;
  }
}

export function save(choice) {
  sessionStorage.setItem("precode.choice", JSON.stringify(choice));
}

/** The choice in words. */
export function summary(choice, withOrder = true) {
  const { filter } = choice;
  const parts = withOrder ? [ORDERS[choice.order]] : [];
  parts.push(STATES[filter.state ?? "all"]);
  if (filter.code) parts.push(tag(filter.code));
  if (filter.min !== undefined || filter.max !== undefined) parts.push(`confidence ${filter.min ?? 0} to ${filter.max ?? 1}`);
  if (filter.flag) parts.push(filter.flag);
  if (filter.transcript) parts.push(`transcript ${filter.transcript}`);
  if (filter.respondent) parts.push(`respondent ${filter.respondent}`);
  for (const [name, value] of Object.entries(filter.attributes ?? {})) parts.push(`${name}: ${value}`);
  return h("p", { class: "choice" }, parts.map((part, i) => [i ? h("span", { class: "dot", "aria-hidden": "true" }, " · ") : null, part]));
}

/** Asks for another choice; calls `done` with it. */
export function ask(choice, session, done) {
  const { filter } = choice;
  const option = (value, words, chosen) => h("option", { value, selected: value === (chosen ?? "") }, words);
  const select = (name, label, pairs, chosen) =>
    h("label", {}, label, h("select", { name }, pairs.map(([value, words]) => option(value, words, chosen))));
  const number = (name, label, value) =>
    h("label", {}, label, h("input", { name, type: "number", min: "0", max: "1", step: "0.05", value: value ?? "" }));
  const text = (name, label, value) => h("label", {}, label, h("input", { name, type: "text", value: value ?? "", spellcheck: "false" }));
  const any = ["", "any"];
  const codes = session.codebook.codes.map((code) => [code.name, code.name]);
  const form = h("form", { method: "dialog", class: "form" },
    select("order", "Order", Object.entries(ORDERS), choice.order),
    select("state", "Show", Object.entries(STATES), filter.state ?? "all"),
    select("code", "Code", [any, ...codes], filter.code),
    h("div", { class: "pair" }, number("min", "Confidence from", filter.min), number("max", "to", filter.max)),
    select("flag", "Flag", [any, ...FLAGS.map((flag) => [flag, flagWords(flag)])], filter.flag),
    Object.entries(session.attributes).map(([name, values]) =>
      select(`attribute:${name}`, name, [any, ...values.map((value) => [value, value])], filter.attributes?.[name])),
    text("transcript", "Transcript", filter.transcript),
    text("respondent", "Respondent", filter.respondent),
    h("p", { class: "about" }, "Blind segments are left out when you filter by code, confidence or flag: the filter would tell."),
    h("div", { class: "buttons" },
      h("button", { type: "button", onclick: () => { box.close(); done({ order: choice.order, filter: { state: "undecided" } }); } }, "Clear"),
      h("button", { class: "main", type: "submit" }, "Show")));
  const box = dialog("Order and filter", form);
  form.addEventListener("submit", () => {
    const data = new FormData(form);
    const next = { order: data.get("order"), filter: { state: data.get("state") } };
    for (const name of ["code", "flag", "transcript", "respondent"]) if (data.get(name)) next.filter[name] = data.get(name);
    for (const name of ["min", "max"]) if (data.get(name) !== "") next.filter[name] = Number(data.get(name));
    const chosen = [...data].filter(([name, value]) => name.startsWith("attribute:") && value);
    if (chosen.length) next.filter.attributes = Object.fromEntries(chosen.map(([name, value]) => [name.slice(10), value]));
    done(next);
  });
}
