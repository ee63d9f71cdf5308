// The uploader page: what is chosen, what is on its way, and what was not finished before.

import { chosen, dropped } from "./files.js";
import { button, link, moving, Row, set } from "./row.js";
import { BUSY, ENDED, Sending } from "./sending.js";
import { count, size, when } from "./words.js";

const AT_ONCE = 2;
const ROWS = 300;
const DRAW_MS = 500;
const LOOK_MS = 10_000;

const find = (id) => document.getElementById(id);
const endpoint = new URL(document.body.dataset.place, location.href).toString();
const sendings = [];
const rows = new Map();
const leftRows = new Map();
let left = []; // what the panel knows of this person's that is not finished
let away = "";
let wanted = null; // the one of them for which a file is being chosen
let stale = true;
let awake = null;

// --- choosing ---

function add(found) {
  for (const each of found) {
    const sending = new Sending(each, endpoint, changed);
    const before = left.find((one) => one.state === "filling" && isSame(one, each.file) && !isTaken(one));
    if (before) sending.goOnFrom(before);
    else sending.owner = find("owner")?.value ?? "";
    sendings.push(sending);
  }
  if (found.length) say(`${count(found.length, "file")} chosen.`);
  draw();
}

const isSame = (one, file) => one.file_name === file.name && one.size_bytes === file.size && one.modified === String(file.lastModified);
const isTaken = (one) => sendings.some((sending) => sending.id === one.id && sending.state !== "stopped");

async function chooseFor(one) {
  wanted = one;
  find("one").click();
}

function chosenFor(input) {
  const [each] = chosen(input);
  if (!each || !wanted) return;
  if (isSame(wanted, each.file)) add([each]);
  else banner("wrong-file", `That is not the same file: it should be ${wanted.file_name} with ${size(wanted.size_bytes)}, unchanged since. Choose it, or send the other one as a new file.`);
}

// --- sending ---

function send() {
  for (const sending of sendings) if (sending.state === "ready") sending.state = "queued";
  fill();
}

// So many at a time; who only waits for the appliance's check keeps nobody waiting.
function fill() {
  let free = AT_ONCE - sendings.filter((sending) => BUSY.has(sending.state) && sending.state !== "checking").length;
  for (const sending of sendings) {
    if (free <= 0) break;
    if (sending.state === "queued") {
      sending.start();
      free -= 1;
    }
  }
  draw();
}

function changed(sending) {
  if (sending.state === "received") say(`${sending.title} is received.`);
  if (sending.state === "stopped") say(`${sending.title} stopped: ${sending.message}`);
  if (sending.state === "signed-out") say("You were signed out. Sign in, and it goes on.");
  stale = true;
  fill();
}

async function drop(sending) {
  if (sending.sent > 0 && !(await sure(sending.title, sending.sent))) return;
  if (await sending.cancel()) forget(sending);
  else {
    sending.pause();
    banner("away", "The appliance cannot be reached, so the file cannot be cancelled now. Try again when it is back.");
  }
  stale = true;
  fill();
}

function forget(sending) {
  sendings.splice(sendings.indexOf(sending), 1);
  rows.get(sending)?.element.remove();
  rows.delete(sending);
}

async function cancelLeft(one) {
  if (one.offset_bytes > 0 && !["expired", "failed"].includes(one.state) && !(await sure(one.title, one.offset_bytes))) return;
  const answer = await fetch(`${endpoint}/${one.id}`, { method: "DELETE", headers: { "Tus-Resumable": "1.0.0" } }).catch(() => null);
  if (!answer?.ok) banner("away", (answer && (await answer.text().catch(() => ""))) || "The appliance cannot be reached; try again when it is back.");
  await look();
}

function sure(title, bytes) {
  const dialog = find("sure");
  find("sure-text").textContent = `${size(bytes)} of “${title}” were sent. They are thrown away; your own file stays as it is.`;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}

// --- what is shown ---

const LINES = {
  ready: (one) => size(one.file.size) + (one.resumed ? ` · goes on from ${size(one.sent)}` : ""),
  queued: (one) => `${size(one.file.size)} · waits for its turn`,
  sending: (one) => moving(one.sent, one.file.size, one.bytesPerSecond),
  waiting: (one) => `Waiting for the appliance; goes on by itself${one.sent ? ` from ${size(one.sent)}` : ""}`,
  "signed-out": () => "You were signed out. Sign in, and it goes on.",
  checking: (one) => `${size(one.file.size)} · all of it is here, being checked`,
  paused: (one) => `Paused at ${size(one.sent)} of ${size(one.file.size)}`,
  received: (one) => `Received · ${size(one.file.size)}`,
  stopped: (one) => (one.stoppedBy === "elsewhere" ? "Sent from another window" : "Not sent"),
};

function actionsOf(one) {
  const act = (label, work, kind) => [label, () => button(label, one.title, work, kind)];
  const cancel = act("Cancel", () => drop(one));
  switch (one.state) {
    case "ready":
    case "queued":
      return [act("Remove", () => drop(one))];
    case "sending":
    case "waiting":
      return [act("Pause", () => (one.pause(), fill())), cancel];
    case "signed-out":
      return [["Sign in", () => link("Sign in", "then the file goes on", "/login?next=/upload")], cancel];
    case "paused":
      return [act("Go on", () => ((one.state = "queued"), fill())), cancel];
    case "received":
      return one.archive ? [["Open", () => link("Open", one.title, `/archives/${one.archive}`)]] : [];
    case "stopped":
      if (one.stoppedBy === "elsewhere") return [act("Send it from here", () => one.start()), act("Remove", () => (forget(one), draw()))];
      if (["failed", "expired"].includes(one.stoppedBy)) return [act("Send again", () => one.anew()), act("Remove", () => drop(one))];
      return [act("Try again", () => one.start()), act("Remove", () => drop(one))];
  }
  return [];
}

function drawOne(one) {
  let row = rows.get(one);
  if (!row) {
    if (rows.size >= ROWS && (one.state === "ready" || one.state === "queued")) return;
    rows.set(one, (row = new Row()));
    find("list").append(row.element);
  }
  const editable = one.state === "ready" && !one.resumed ? (title) => (one.title = title.trim() || one.path) : null;
  row.show({
    state: one.state, title: one.title, path: one.path,
    bytes: ["ready", "queued"].includes(one.state) || (one.state === "stopped" && !one.sent) ? null : one.sent, total: one.file.size, line: LINES[one.state](one), message: one.state === "stopped" || one.state === "waiting" ? one.message : "",
    editable, actions: actionsOf(one),
  });
}

function drawOverall() {
  const ready = sendings.filter((one) => one.state === "ready");
  const begun = sendings.filter((one) => one.state !== "ready");
  const active = begun.filter((one) => !ENDED.has(one.state));
  const total = begun.reduce((sum, one) => sum + (one.state === "stopped" ? 0 : one.file.size), 0);
  const sent = begun.reduce((sum, one) => sum + (one.state === "stopped" ? 0 : one.sent), 0);
  const speed = active.reduce((sum, one) => sum + one.bytesPerSecond, 0);
  find("queue").hidden = sendings.length === 0;
  find("send").hidden = ready.length === 0;
  set(find("send"), `Send ${count(ready.length, "file")} (${size(ready.reduce((sum, one) => sum + one.file.size, 0))})`);
  find("owner-label")?.toggleAttribute("hidden", !ready.some((one) => !one.resumed));
  find("clear").hidden = !sendings.some((one) => one.state === "received");
  find("pause-all").hidden = active.length === 0;
  set(find("pause-all"), active.every((one) => one.state === "paused" || one.state === "checking") ? "Go on with all" : "Pause all");
  find("overall-bar").hidden = active.length === 0;
  find("overall-bar").value = total ? sent / total : 1;
  const done = sendings.filter((one) => one.state === "received").length;
  set(find("overall"), active.length ? moving(sent, total, speed) : done ? `${count(done, "file")} received. This tab may be closed.` : "");
  const hidden = sendings.length - rows.size;
  set(find("more"), `and ${count(hidden, "more file")}`);
  find("more").hidden = hidden <= 0;
  document.title = active.length ? `${total ? Math.floor((100 * sent) / total) : 0} % · Upload · PyArchive` : "Upload · PyArchive";
}

function drawLeft() {
  const shown = left.filter((one) => !sendings.some((sending) => sending.id && sending.id === one.id));
  find("unfinished").hidden = shown.length === 0;
  const keys = new Set(shown.map((one) => one.archive_id));
  for (const [key, row] of leftRows) {
    if (keys.has(key)) continue;
    row.element.remove();
    leftRows.delete(key);
  }
  for (const one of shown) {
    if (!leftRows.has(one.archive_id)) {
      leftRows.set(one.archive_id, new Row());
      find("unfinished-list").append(leftRows.get(one.archive_id).element);
    }
    leftRows.get(one.archive_id).show({
      state: one.state === "failed" || one.state === "expired" ? "stopped" : one.state, title: one.title, path: one.file_name,
      bytes: one.state === "expired" ? null : one.offset_bytes, total: one.size_bytes, line: leftLine(one), message: one.error,
      editable: null, actions: leftActions(one),
    });
  }
}

function leftLine(one) {
  const until = one.expires_at ? ` · kept until ${when(one.expires_at)}` : "";
  const here = `${size(one.offset_bytes)} of ${size(one.size_bytes)}`;
  if (one.state === "expired") return "Expired, because nobody went on with it. Send the file again.";
  if (one.state === "failed") return "Not received";
  if (one.state === "complete" || one.offset_bytes === one.size_bytes) return `${size(one.size_bytes)} · all of it is here, being checked`;
  if (one.state === "elsewhere") return `${here} · begun by a command on the appliance${until}`;
  if (one.active) return `${here} · being sent from another window`;
  return `${here} are here${until}`;
}

function leftActions(one) {
  const cancel = (label) => [label, () => button(label, one.title, () => cancelLeft(one))];
  if (one.state === "failed" || one.state === "expired") return [cancel("Remove")];
  if (one.state !== "filling" || one.offset_bytes === one.size_bytes) return [];
  return [["Choose the file", () => button("Choose the file", one.title, () => chooseFor(one))], cancel("Cancel")];
}

function draw() {
  for (const one of sendings) drawOne(one);
  drawOverall();
  drawLeft();
  stayAwake();
}

function banner(id, text, way = null) {
  const old = document.querySelector(`[data-banner="${id}"]`);
  if (!text) return old?.remove();
  const made = old ?? Object.assign(document.createElement("p"), { className: "pa-banner" });
  made.dataset.banner = id;
  made.dataset.tone = "warn";
  if (made.dataset.text !== text) made.replaceChildren(text, ...(way ? [" ", way] : []));
  made.dataset.text = text;
  if (!old) find("banners").append(made);
  if (["wrong-file", "away"].includes(id)) setTimeout(() => made.remove(), 12_000);
}

const say = (text) => (find("said").textContent = text);

// --- what the panel knows ---

async function look() {
  stale = false;
  const answer = await fetch("/upload/unfinished", { headers: { Accept: "application/json" } }).catch(() => null);
  if (answer?.ok) {
    ({ uploads: left, away } = await answer.json());
    sendings.forEach((sending) => sending.nudge());
  }
  const signIn = answer?.status === 401 ? link("Sign in", "then everything goes on", "/login?next=/upload") : null;
  banner("signed-out", signIn ? "You are signed out. Sign in in the other tab; this one goes on by itself." : "", signIn);
  banner("line", answer && answer.status < 500 && !away ? "" : "The appliance cannot be reached. Waiting; everything goes on by itself.");
  draw();
}

// --- tab, screen, sleep ---

async function stayAwake() {
  const moving = sendings.some((one) => one.state === "sending");
  if (moving && !awake && document.visibilityState === "visible") {
    awake = "asking";
    awake = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
    awake?.addEventListener("release", () => (awake = null));
  } else if (!moving && awake?.release) awake.release();
}

addEventListener("beforeunload", (event) => {
  if (sendings.some((one) => !ENDED.has(one.state) && one.state !== "checking")) event.preventDefault();
});
addEventListener("online", look);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());

// --- the page ---

find("choose-files").addEventListener("click", () => find("files").click());
find("choose-folder").addEventListener("click", () => find("folder").click());
find("choose-folder").hidden = !("webkitdirectory" in find("folder"));
for (const id of ["files", "folder", "one"]) {
  find(id).addEventListener("change", ({ target }) => {
    if (id === "one") chosenFor(target);
    else add(chosen(target));
    target.value = "";
  });
}
// Chosen before this script was there, or kept by the browser over a reload.
for (const id of ["files", "folder"]) if (find(id).files.length) find(id).dispatchEvent(new Event("change"));
find("send").addEventListener("click", send);
find("owner")?.addEventListener("change", ({ target }) => {
  for (const one of sendings) if (one.state === "ready" && !one.resumed) one.owner = target.value;
});
find("clear").addEventListener("click", () => {
  sendings.filter((one) => one.state === "received").forEach(forget);
  draw();
});
find("pause-all").addEventListener("click", () => {
  const active = sendings.filter((one) => !ENDED.has(one.state) && !["ready", "checking"].includes(one.state));
  const goOn = active.every((one) => one.state === "paused");
  for (const one of active) goOn ? (one.state = "queued") : one.pause();
  fill();
});

let inside = 0;
addEventListener("dragenter", (event) => (event.preventDefault(), document.body.classList.toggle("up-dragging", ++inside > 0)));
addEventListener("dragleave", () => document.body.classList.toggle("up-dragging", --inside > 0));
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", async (event) => {
  event.preventDefault();
  inside = 0;
  document.body.classList.remove("up-dragging");
  add(await dropped(event.dataTransfer));
});

setInterval(() => {
  sendings.forEach((sending) => sending.look());
  draw();
}, DRAW_MS);
setInterval(() => {
  const waiting = sendings.some((one) => one.state === "waiting" || one.state === "signed-out");
  if (stale || waiting || document.visibilityState === "visible") look();
}, LOOK_MS);
look();
