// The lamp as it blinks on the device, and a button that can be held: the browser's part of both.
"use strict";
(() => {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const running = new WeakMap();

  // [[level, seconds, fades], …] as keyframes of opacity.
  const keyframes = (steps, total) => {
    const frames = [];
    let level = steps.at(-1)[0];
    let passed = 0;
    for (const [next, seconds, fades] of steps) {
      frames.push({ opacity: fades ? level : next, offset: passed / total });
      passed += seconds;
      frames.push({ opacity: next, offset: Math.min(1, passed / total) });
      level = next;
    }
    return frames;
  };

  const light = (lamp) => {
    const glow = lamp.firstElementChild;
    if (!glow) return;
    running.get(glow)?.cancel();
    const steps = JSON.parse(lamp.dataset.pattern || "[]");
    const total = steps.reduce((sum, [, seconds]) => sum + seconds, 0);
    const levels = steps.map(([level]) => level);
    const brightest = Math.max(0, ...levels);
    glow.style.opacity = brightest;
    if (still.matches || total <= 0 || levels.every((level) => level === levels[0])) return;
    running.set(glow, glow.animate(keyframes(steps, total), { duration: total * 1000, iterations: Infinity }));
  };
  const lightAll = () => document.querySelectorAll(".pa-lamp").forEach(light);
  still.addEventListener("change", lightAll);

  const watch = new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === "attributes") light(target);
      for (const added of addedNodes) {
        if (added.nodeType !== 1) continue;
        if (added.matches(".pa-lamp")) light(added);
        added.querySelectorAll(".pa-lamp").forEach(light);
      }
    }
  });
  document.addEventListener("DOMContentLoaded", () => {
    lightAll();
    watch.observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-pattern"] });
  });

  // A press begins with a finger, a mouse or a key, and ends wherever it is let go.
  const button = (event) => event.target.closest?.(".pa-press:not([disabled])");
  const down = (held) => {
    if (held.dataset.held) return;
    held.dataset.held = "yes";
    held.dispatchEvent(new CustomEvent("press"));
  };
  const up = () => {
    document.querySelectorAll(".pa-press[data-held]").forEach((held) => {
      delete held.dataset.held;
      held.dispatchEvent(new CustomEvent("letgo"));
    });
  };
  document.addEventListener("pointerdown", (event) => {
    const held = button(event);
    if (!held || event.button !== 0) return;
    held.setPointerCapture(event.pointerId);
    down(held);
  });
  ["pointerup", "pointercancel"].forEach((name) => document.addEventListener(name, up));
  document.addEventListener("keydown", (event) => {
    const held = button(event);
    if (!held || (event.key !== " " && event.key !== "Enter")) return;
    event.preventDefault();
    if (!event.repeat) down(held);
  });
  document.addEventListener("keyup", (event) => {
    if (event.key === " " || event.key === "Enter") up();
  });
  addEventListener("blur", up);
  document.addEventListener("contextmenu", (event) => button(event) && event.preventDefault());
})();
