// What one file looks like in the list. Names are text, never HTML.

import { duration, percent, rate, size } from "./words.js";

const template = document.getElementById("row");

export function button(label, about, act, kind = "") {
  const made = document.createElement("button");
  made.type = "button";
  made.className = `up-button ${kind}`;
  made.textContent = label;
  made.setAttribute("aria-label", `${label}: ${about}`);
  made.addEventListener("click", act);
  return made;
}

export function link(label, about, address) {
  const made = document.createElement("a");
  made.className = "up-button";
  made.href = address;
  made.target = "_blank";
  made.rel = "noopener";
  made.textContent = label;
  made.setAttribute("aria-label", `${label}: ${about} (opens in another tab)`);
  return made;
}

export class Row {
  constructor() {
    this.element = template.content.firstElementChild.cloneNode(true);
    const find = (name) => this.element.querySelector(name);
    this._title = find(".up-title");
    this._titleText = find(".up-title-text");
    this._path = find(".up-path");
    this._bar = find(".up-bar");
    this._line = find(".up-line");
    this._message = find(".up-message");
    this._actions = find(".up-actions");
  }

  // editable: a function that takes the new title, or null
  show({ state, title, path, bytes, total, line, message, editable, actions }) {
    this.element.dataset.state = state;
    this._title.hidden = !editable;
    this._titleText.hidden = Boolean(editable);
    if (editable) {
      if (document.activeElement !== this._title) this._title.value = title;
      this._title.setAttribute("aria-label", `Title of ${path}`);
      this._title.oninput = () => editable(this._title.value);
    }
    set(this._titleText, title);
    set(this._path, path);
    this._path.hidden = path === title && !editable;
    this._bar.hidden = bytes === null;
    this._bar.setAttribute("aria-label", `Sent of ${title}`);
    if (bytes !== null) this._bar.value = total ? bytes / total : 1;
    set(this._line, line);
    set(this._message, message);
    this._message.hidden = !message;
    this._act(actions);
  }

  // Made anew only where they are others: a button that has the focus stays.
  _act(actions) {
    const key = actions.map(([label]) => label).join();
    if (key === this._key) return;
    const focused = this._actions.contains(document.activeElement);
    this._key = key;
    this._actions.replaceChildren(...actions.map(([, make]) => make()));
    if (focused) this._actions.firstElementChild?.focus();
  }
}

export function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function moving(bytes, total, bytesPerSecond) {
  const parts = [`${size(bytes)} of ${size(total)}`, percent(bytes, total)];
  if (bytesPerSecond > 0) parts.push(rate(bytesPerSecond), `${duration((total - bytes) / bytesPerSecond)} left`);
  return parts.join(" · ");
}
