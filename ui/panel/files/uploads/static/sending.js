// One file on its way, by tus. What goes wrong on the line is tried again for ever; what will not pass by itself stops and says so.

export const CHUNK_BYTES = 64 * 2 ** 20;
const SILENT_MS = 90_000;
const CHECK_MS = 1500;
const LONGEST_WAIT_MS = 5_000;
const WINDOW_MS = 10_000;

// States: ready, queued, sending, waiting (for the line), signed-out, checking, paused, received, stopped.
export const BUSY = new Set(["sending", "waiting", "signed-out", "checking"]);
export const ENDED = new Set(["received", "stopped"]);

const newAttempt = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

export class Sending {
  constructor({ file, path }, endpoint, changed) {
    this.file = file;
    this.path = path;
    this.title = path;
    this.owner = "";
    this.url = null;
    this.state = "ready";
    this.message = "";
    this.archive = "";
    this.sent = 0;
    this._endpoint = endpoint;
    this._changed = changed;
    this._attempt = newAttempt();
    this._failures = 0;
    this._samples = [];
    this._heard = null;
    this._upload = null;
    this._timer = 0;
    this._asking = false;
    this._movedAt = 0;
  }

  // The same file was begun before: it goes on there.
  goOnFrom(unfinished) {
    this.url = `${this._endpoint}/${unfinished.id}`;
    this.title = unfinished.title;
    this.owner = unfinished.owner;
    this.sent = unfinished.offset_bytes;
    this.resumed = true;
  }

  get id() {
    return this.url ? this.url.split("/").pop() : "";
  }

  start() {
    this._failures = 0;
    this._become("sending");
    this._upload ??= this._made();
    this._again();
  }

  pause() {
    this._halt();
    this._become("paused");
  }

  // Without a trace on the appliance. False where it could not be reached.
  async cancel() {
    this._halt();
    if (!this.url) return true;
    try {
      const answer = await fetch(this.url, { method: "DELETE", headers: { "Tus-Resumable": "1.0.0" } });
      return answer.ok || answer.status === 404;
    } catch {
      return false;
    }
  }

  // Sent anew, as another upload.
  anew() {
    this._halt();
    this._upload = null;
    this.url = null;
    this.resumed = false;
    this.sent = 0;
    this._attempt = newAttempt();
    this.start();
  }

  // The line is back, or somebody signed in: no need to wait any longer.
  nudge() {
    if (this.state === "waiting" || this.state === "signed-out") this._again();
  }

  // Called now and then: a request from which nothing was heard for long hangs on a line that is gone.
  look() {
    if (this._asking && Date.now() - this._movedAt > SILENT_MS) this._again();
  }

  get bytesPerSecond() {
    if (this.state !== "sending" || this._samples.length < 2) return 0;
    const [[from, before], [to, now]] = [this._samples[0], this._samples.at(-1)];
    return to - from < 500 ? 0 : (1000 * (now - before)) / (to - from);
  }

  _made() {
    const metadata = { filename: this.file.name, title: this.title, modified: String(this.file.lastModified), attempt: this._attempt };
    if (this.owner) metadata.owner = this.owner;
    if (this.path !== this.file.name) metadata.relativePath = this.path;
    return new tus.Upload(this.file, {
      endpoint: this._endpoint,
      uploadUrl: this.url,
      chunkSize: CHUNK_BYTES,
      metadata,
      retryDelays: null, // when to try again is decided below, for ever and not for some times
      storeFingerprintForResuming: false, // the panel knows what is unfinished, for every browser
      onUploadUrlAvailable: () => (this.url = this._upload.url),
      onProgress: (sent) => this._progress(sent),
      onBeforeRequest: () => void (this._heard = null),
      onAfterResponse: (request, response) => this._hear(request, response),
      onSuccess: () => this._done(),
      onError: (error) => this._failed(error),
    });
  }

  _progress(sent) {
    const now = Date.now();
    if (sent > this.sent) this._failures = 0;
    this.sent = sent;
    this._movedAt = now;
    if (this.state !== "sending") this._become("sending");
    this._samples.push([now, sent]);
    while (this._samples.length > 2 && now - this._samples[0][0] > WINDOW_MS) this._samples.shift();
  }

  _hear(request, response) {
    const status = response.getStatus();
    this._movedAt = Date.now();
    this.archive = response.getHeader("PyArchive-Archive") || this.archive;
    this._heard = { status, state: response.getHeader("PyArchive-State") || "", message: decodeURIComponent(response.getHeader("PyArchive-Message") || "") };
    // On any trouble here tus-js-client would begin the file anew; only what the panel does not know any more has to be.
    if (request.getMethod() === "HEAD" && status >= 300 && status !== 404) throw new Error(this._heard.message);
  }

  _done() {
    this._asking = false;
    this.sent = this.file.size;
    this._become("received");
  }

  _failed(error) {
    const heard = this._heard ?? { status: 0, state: "", message: "" };
    this._samples = [];
    if (heard.state === "checking") return this._later("checking", heard.message, CHECK_MS);
    if (heard.state === "elsewhere") return this._stop(heard);
    if (heard.status === 401) return this._later("signed-out", "", 3000);
    if (heard.status < 400) return this._offline();
    if (heard.status >= 500 || [408, 409, 423, 429].includes(heard.status)) return this._later("waiting", heard.message);
    return this._stop({ ...heard, message: heard.message || error.originalResponse?.getBody()?.trim() || `The panel answered ${heard.status}.` });
  }

  // No answer at all: the line, or the file itself, which may have been moved or changed.
  async _offline() {
    const readable = await this._readable();
    if (!BUSY.has(this.state)) return;
    if (readable) this._later("waiting", "");
    else this._stop({ state: "changed", message: "The file was moved or changed while it was being sent. Choose it again." });
  }

  async _readable() {
    try {
      await this.file.slice(0, 1).arrayBuffer();
      await this.file.slice(-1).arrayBuffer();
      return true;
    } catch {
      return false;
    }
  }

  _later(state, message, waitMs) {
    this._asking = false;
    this._failures += 1;
    this._become(state, message);
    const backOff = Math.min(LONGEST_WAIT_MS, 500 * 2 ** Math.min(this._failures, 6)) * (0.5 + Math.random() / 2);
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this._again(), waitMs ?? backOff);
  }

  _stop(heard) {
    this._asking = false;
    this.stoppedBy = heard.state;
    this._become("stopped", heard.message);
  }

  _again() {
    clearTimeout(this._timer);
    this._asking = true;
    this._movedAt = Date.now();
    this._upload.abort();
    this._upload.start();
  }

  _halt() {
    clearTimeout(this._timer);
    this._asking = false;
    this._upload?.abort();
    this._samples = [];
  }

  _become(state, message = "") {
    if (this.state === state && this.message === message) return;
    this.state = state;
    this.message = message;
    this._changed(this);
  }
}
