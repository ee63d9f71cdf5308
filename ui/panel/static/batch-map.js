// <pa-batch-map data-map="b12c3" data-words="bhere and there|conly here" data-summary="…">: the batches of an archive, drawn.
// One cell a batch; where they are very many, a cell stands for several and shows the one that is worst off.
"use strict";
(() => {
  const WORST_FIRST = "mxwcduesb";
  const SIZES = [22, 18, 14, 11, 8, 6];
  const MOST_HEIGHT = 300;
  const number = new Intl.NumberFormat();

  const expanded = (text) => text.replace(/([a-z])(\d+)/g, (_, letter, times) => letter.repeat(Number(times)));
  const rank = (letter) => WORST_FIRST.indexOf(letter);

  class BatchMap extends HTMLElement {
    static observedAttributes = ["data-map", "data-words", "data-summary"];

    connectedCallback() {
      if (this.canvas) return;
      this.canvas = document.createElement("canvas");
      this.says = Object.assign(document.createElement("p"), { className: "pa-map-says" });
      this.says.setAttribute("aria-live", "polite");
      this.append(this.canvas, this.says);
      this.canvas.tabIndex = 0;
      this.canvas.setAttribute("role", "img");
      this.at = null;
      this.canvas.addEventListener("pointermove", (event) => this.point(this.cellAt(event)));
      this.canvas.addEventListener("pointerleave", () => this.point(null));
      this.canvas.addEventListener("blur", () => this.point(null));
      this.canvas.addEventListener("focus", () => this.at ?? this.point(0));
      this.canvas.addEventListener("keydown", (event) => this.key(event));
      this.sizes = new ResizeObserver(() => this.draw());
      this.sizes.observe(this);
      this.dark = matchMedia("(prefers-color-scheme: dark)");
      this.repaint = () => this.draw();
      this.dark.addEventListener("change", this.repaint);
      this.themes = new MutationObserver(this.repaint);
      this.themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
      this.read();
    }

    disconnectedCallback() {
      this.sizes?.disconnect();
      this.themes?.disconnect();
      this.dark?.removeEventListener("change", this.repaint);
    }

    attributeChangedCallback() {
      if (this.canvas) this.read();
    }

    read() {
      this.letters = expanded(this.dataset.map || "");
      this.words = Object.fromEntries((this.dataset.words || "").split("|").map((one) => [one[0], one.slice(1)]));
      this.canvas.setAttribute("aria-label", this.dataset.summary || "");
      this.draw();
      if (this.at !== null) this.point(this.at < Math.ceil(this.letters.length / this.layout.each) ? this.at : null);
    }

    // How large the cells are, and how many batches each stands for.
    plan(width) {
      const total = this.letters.length;
      for (const size of SIZES) {
        const columns = Math.max(1, Math.floor(width / size));
        const rows = Math.ceil(total / columns);
        if (rows * size <= MOST_HEIGHT) return { size, columns, rows, each: 1 };
      }
      const size = SIZES.at(-1);
      const columns = Math.max(1, Math.floor(width / size));
      const each = Math.ceil(total / (columns * Math.floor(MOST_HEIGHT / size)));
      return { size, columns, rows: Math.ceil(Math.ceil(total / each) / columns), each };
    }

    draw() {
      const width = this.clientWidth;
      if (!width || !this.letters) {
        this.layout ??= this.plan(SIZES[0]);
        return;
      }
      const plan = (this.layout = this.plan(width));
      const scale = window.devicePixelRatio || 1;
      this.canvas.width = width * scale;
      this.canvas.height = plan.rows * plan.size * scale;
      this.canvas.style.height = `${plan.rows * plan.size}px`;
      const context = this.canvas.getContext("2d");
      context.scale(scale, scale);
      const colours = this.colours();
      const cells = Math.ceil(this.letters.length / plan.each);
      const gap = plan.size > 8 ? 2 : 1;
      for (let cell = 0; cell < cells; cell++) {
        const letter = this.worst(cell);
        const x = (cell % plan.columns) * plan.size;
        const y = Math.floor(cell / plan.columns) * plan.size;
        context.fillStyle = colours[letter];
        context.fillRect(x, y, plan.size - gap, plan.size - gap);
        if ("xmw".includes(letter)) this.mark(context, letter, x, y, plan.size - gap, colours.mark);
      }
      if (this.at !== null) this.frame(context, colours.text);
    }

    // Not by colour alone: a cross for what is bad, a dot for what waits.
    mark(context, letter, x, y, side, colour) {
      context.fillStyle = context.strokeStyle = colour;
      if (letter === "w") {
        const dot = Math.max(2, side / 4);
        context.fillRect(x + (side - dot) / 2, y + (side - dot) / 2, dot, dot);
        return;
      }
      context.lineWidth = side > 8 ? 2 : 1;
      context.beginPath();
      context.moveTo(x + side * 0.25, y + side * 0.25);
      context.lineTo(x + side * 0.75, y + side * 0.75);
      context.moveTo(x + side * 0.75, y + side * 0.25);
      context.lineTo(x + side * 0.25, y + side * 0.75);
      context.stroke();
    }

    frame(context, colour) {
      const { size, columns } = this.layout;
      context.strokeStyle = colour;
      context.lineWidth = 2;
      context.strokeRect((this.at % columns) * size, Math.floor(this.at / columns) * size, size - 1, size - 1);
    }

    colours() {
      const probe = Object.assign(document.createElement("span"), { className: "pa-swatch" });
      this.append(probe);
      const style = getComputedStyle(probe);
      const found = {};
      for (const letter of WORST_FIRST) {
        probe.dataset.letter = letter;
        found[letter] = style.backgroundColor;
      }
      probe.remove();
      found.text = getComputedStyle(this).color;
      found.mark = getComputedStyle(document.documentElement).getPropertyValue("--pa-surface");
      return found;
    }

    batches(cell) {
      const first = cell * this.layout.each;
      return this.letters.slice(first, first + this.layout.each);
    }

    worst(cell) {
      const here = this.batches(cell);
      if (here.length === 1) return here;
      let worst = here[0];
      for (const letter of here) if (rank(letter) < rank(worst)) worst = letter;
      return worst;
    }

    cellAt(event) {
      const box = this.canvas.getBoundingClientRect();
      const { size, columns } = this.layout;
      const column = Math.floor((event.clientX - box.left) / size);
      const cell = Math.floor((event.clientY - box.top) / size) * columns + column;
      return column < columns && cell * this.layout.each < this.letters.length ? cell : null;
    }

    point(cell) {
      this.at = cell;
      const words = cell === null ? "" : this.told(cell);
      if (this.says.textContent !== words) this.says.textContent = words;
      this.draw();
    }

    told(cell) {
      const here = this.batches(cell);
      const first = cell * this.layout.each;
      if (here.length === 1) return `Batch ${number.format(first)}: ${this.words[here]}`;
      const counts = {};
      for (const letter of here) counts[letter] = (counts[letter] || 0) + 1;
      const each = Object.entries(counts).map(([letter, count]) => `${number.format(count)} ${this.words[letter]}`);
      return `Batches ${number.format(first)} to ${number.format(first + here.length - 1)}: ${each.join(", ")}`;
    }

    key(event) {
      const cells = Math.ceil(this.letters.length / this.layout.each);
      const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.layout.columns, ArrowUp: -this.layout.columns }[event.key];
      const to = { Home: 0, End: cells - 1 }[event.key] ?? (by === undefined ? undefined : (this.at ?? 0) + by);
      if (to === undefined || to < 0 || to >= cells) return;
      event.preventDefault();
      this.point(to);
    }
  }

  customElements.define("pa-batch-map", BatchMap);
})();
