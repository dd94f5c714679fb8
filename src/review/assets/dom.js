// Elements and text nodes. No string ever becomes markup here.

/** An element with properties, and children that are nodes, text, or lists of them. */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) set(element, name, value);
  add(element, children);
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "vars") for (const [key, v] of Object.entries(value)) element.style.setProperty(`--${key}`, v);
  else if (name === "value" || name === "checked" || name === "selected") element[name] = value;
  else element.setAttribute(name, value === true ? "" : value);
}

function add(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) add(element, child);
    else if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

/** Puts these children in place of what is there. */
export function fill(element, ...children) {
  element.replaceChildren();
  add(element, children);
}

/** Says something to those who listen to the page. */
export function announce(text) {
  const live = document.getElementById("live");
  live.textContent = "";
  // A screen reader speaks when the text changes, also when the same is said again.
  requestAnimationFrame(() => { live.textContent = text; });
}

/** Shows a short remark for a while, and says it. */
export function toast(text, kind = "") {
  announce(text);
  document.querySelector(".toast")?.remove();
  const shown = h("div", { class: `toast ${kind}` }, text);
  document.body.append(shown);
  setTimeout(() => shown.remove(), kind === "bad" ? 8000 : 3200);
}

/** A dialog that closes on Escape and gives the focus back. */
export function dialog(title, ...content) {
  const before = document.activeElement;
  const box = h("dialog", { "aria-label": title, class: "box" }, h("h2", {}, title), content);
  box.addEventListener("close", () => { box.remove(); before?.focus?.({ preventScroll: true }); });
  box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
  document.body.append(box);
  box.showModal();
  return box;
}
