// <pa-console>: the lines of a run. And what an editor needs of the browser: the theme, a name for screen readers, a question before leaving.
"use strict";
(() => {
  const MOST = 2000;

  class Console extends HTMLElement {
    connectedCallback() {
      if (this.lines) return;
      this.dropped = 0;
      this.following = true;
      this.says = Object.assign(document.createElement("p"), { className: "pa-console-says" });
      this.lines = Object.assign(document.createElement("div"), { className: "pa-console-lines", tabIndex: 0 });
      this.lines.setAttribute("role", "log");
      this.lines.setAttribute("aria-live", "off"); // a fast script would talk without end
      this.lines.setAttribute("aria-label", "Output");
      this.back = Object.assign(document.createElement("button"), { type: "button", className: "pa-console-back", hidden: true });
      this.back.textContent = "To the newest line";
      this.back.addEventListener("click", () => this.follow());
      this.lines.addEventListener("scroll", () => this.scrolled());
      this.append(this.says, this.lines, this.back);
    }

    scrolled() {
      const { scrollTop, scrollHeight, clientHeight } = this.lines;
      this.following = scrollHeight - scrollTop - clientHeight < 8;
      this.back.hidden = this.following;
    }

    follow() {
      this.lines.scrollTop = this.lines.scrollHeight;
      this.scrolled();
    }

    clear() {
      this.lines.replaceChildren();
      this.dropped = 0;
      this.following = true;
      this.back.hidden = true;
      this.say();
    }

    print(lines) {
      const added = document.createDocumentFragment();
      for (const [isError, text] of lines) added.append(this.line(isError, text));
      this.lines.append(added);
      const over = this.lines.childElementCount - MOST;
      for (let number = 0; number < over; number++) this.lines.firstElementChild.remove();
      if (over > 0) this.dropped += over;
      this.say();
      if (this.following) this.follow();
    }

    line(isError, text) {
      const line = Object.assign(document.createElement("div"), { className: "pa-console-line" });
      if (isError) {
        line.dataset.stream = "stderr";
        line.append(Object.assign(document.createElement("span"), { className: "pa-console-mark", textContent: "err" }));
      }
      line.append(text || " ");
      return line;
    }

    say() {
      const words = this.dropped ? `The newest ${MOST.toLocaleString()} lines; ${this.dropped.toLocaleString()} before them are no longer shown.` : "";
      if (this.says.textContent !== words) this.says.textContent = words;
    }
  }
  customElements.define("pa-console", Console);

  // What is told of an element that is not drawn yet waits for it, in its order.
  const waiting = new Map();
  const done = (id, what, given) => {
    const screen = document.getElementById(id);
    if (!screen?.lines) return false;
    screen[what](given);
    return true;
  };
  const work = () => {
    for (const [id, jobs] of waiting) {
      while (jobs.length && done(id, ...jobs[0])) jobs.shift();
      if (!jobs.length) waiting.delete(id);
    }
    if (waiting.size) requestAnimationFrame(work);
  };
  const console_ = (id, what, given) => {
    if (waiting.has(id)) waiting.get(id).push([what, given]);
    else if (!done(id, what, given)) {
      waiting.set(id, [[what, given]]);
      requestAnimationFrame(work);
    }
  };

  // Dark or light, as the panel is: chosen in this browser, else as the system says.
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : system.matches);
  system.addEventListener("change", () => emitEvent("pa-dark", isDark()));

  // An editor has its name beside it, not in it; where nothing can be written, the keyboard still scrolls.
  const name = () => {
    document.querySelectorAll("[data-editor]").forEach((editor) => {
      const content = editor.querySelector(".cm-content");
      if (!content || content.getAttribute("aria-label") === editor.dataset.editor) return;
      content.setAttribute("aria-label", editor.dataset.editor);
      ("readOnly" in editor.dataset ? editor.querySelector(".cm-scroller") : content).tabIndex = 0;
    });
  };
  document.addEventListener("DOMContentLoaded", () => new MutationObserver(name).observe(document.body, { subtree: true, childList: true }));

  // Who leaves a page with something unsaved is asked first.
  let unsaved = false;
  window.addEventListener("beforeunload", (event) => {
    if (unsaved) event.preventDefault();
  });
  const keep = (changed) => (unsaved = changed);

  window.pyarchive = Object.assign(window.pyarchive || {}, { console: console_, isDark, unsaved: keep });
})();
