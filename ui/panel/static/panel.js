// What the server cannot know: the reader's time zone and language, and the theme before the first paint.
"use strict";
(() => {
  const theme = document.cookie.match(/(?:^|; )pyarchive_theme=(light|dark)/);
  if (theme) document.documentElement.dataset.theme = theme[1];

  const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  const steps = [
    [60, "second", 1],
    [3600, "minute", 60],
    [86400, "hour", 3600],
    [86400 * 30, "day", 86400],
    [86400 * 365, "month", 86400 * 30.4],
    [Infinity, "year", 86400 * 365.25],
  ];
  const styles = {
    moment: { dateStyle: "medium", timeStyle: "short" },
    date: { dateStyle: "medium" },
    time: { timeStyle: "medium" },
    turn: { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" },
  };

  const ago = (seconds) => {
    if (Math.abs(seconds) < 10) return relative.format(0, "second");
    const [, unit, size] = steps.find(([below]) => Math.abs(seconds) < below);
    return relative.format(Math.trunc(seconds / size), unit);
  };

  // When something will be so: the hour today, the day and hour this week, else the date.
  const hour = { hour: "2-digit", minute: "2-digit" };
  const by = (at) => {
    const days = (at - Date.now()) / 86400000;
    if (at.toDateString() === new Date().toDateString()) return at.toLocaleTimeString(undefined, hour);
    if (Math.abs(days) < 6) return at.toLocaleString(undefined, { weekday: "long", ...hour });
    return at.toLocaleString(undefined, Math.abs(days) < 300 ? { day: "numeric", month: "long", ...hour } : { dateStyle: "long" });
  };
  const left = (seconds) => {
    const whole = Math.max(0, Math.round(seconds));
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")} left`;
  };
  const worded = (at, style) => {
    if (style === "by") return by(at);
    if (style === "left") return left((at - Date.now()) / 1000);
    return styles[style] ? at.toLocaleString(undefined, styles[style]) : ago((at - Date.now()) / 1000);
  };

  const show = (element) => {
    const at = new Date(element.getAttribute("datetime") || NaN);
    if (Number.isNaN(at.getTime())) return;
    const words = worded(at, element.dataset.style);
    if (element.textContent !== words) element.textContent = words;
    const whole = at.toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" });
    if (element.title !== whole) element.title = whole;
  };
  const showAll = (root) => root.querySelectorAll("time.pa-when").forEach(show);

  const watch = new MutationObserver((changes) => {
    for (const change of changes) {
      const target = change.target.nodeType === 1 ? change.target : change.target.parentElement;
      const time = target?.closest("time.pa-when");
      if (time) show(time);
      for (const added of change.addedNodes) if (added.nodeType === 1) added.matches("time.pa-when") ? show(added) : showAll(added);
    }
  });
  document.addEventListener("DOMContentLoaded", () => {
    showAll(document);
    watch.observe(document.body, {
      subtree: true,
      childList: true,
      characterData: true,
      attributes: true,
      attributeFilter: ["datetime"],
    });
    setInterval(() => showAll(document), 15000);
    setInterval(() => document.querySelectorAll('time[data-style="left"]').forEach(show), 1000);
  });

  // A picture of a person, square and small, as base64 of a WebP; empty where the browser cannot read it.
  const shrink = async (file) => {
    try {
      const bitmap = await createImageBitmap(file);
      const side = Math.min(bitmap.width, bitmap.height);
      const canvas = Object.assign(document.createElement("canvas"), { width: 256, height: 256 });
      canvas
        .getContext("2d")
        .drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, 256, 256);
      return canvas.toDataURL("image/webp", 0.8).split(",")[1];
    } catch {
      return "";
    }
  };

  // To the clipboard. Browsers give it to pages on https and on this computer only; elsewhere the old way still works.
  const copy = async (value, button) => {
    try {
      await navigator.clipboard.writeText(value);
    } catch {
      const field = Object.assign(document.createElement("textarea"), { value, readOnly: true });
      field.style.cssText = "position:fixed;opacity:0";
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
      button.focus();
    }
    button.dataset.copied = "yes";
    setTimeout(() => delete button.dataset.copied, 1500);
  };
  window.pyarchive = Object.assign(window.pyarchive || {}, { shrink, copy });

  // Back and Forward between addresses that a page gave itself: it shows what the address asks for.
  window.addEventListener("popstate", () => {
    try {
      emitEvent("pa-address", Object.fromEntries(new URLSearchParams(location.search)));
    } catch {
      location.reload(); // the page was not there yet
    }
  });

  // A sheet under More closes when something else is touched, and with Escape.
  document.addEventListener("click", (event) => {
    document.querySelectorAll("details.pa-more[open]").forEach((sheet) => {
      if (!sheet.contains(event.target)) sheet.open = false;
    });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.querySelectorAll("details.pa-more[open]").forEach((sheet) => (sheet.open = false));
  });
})();
