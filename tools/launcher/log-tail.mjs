import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

const LOOK_EVERY_MS = 200;
/** What one look reads at most; a log that grows faster than this is not read by anybody anyway. */
const LOOK_BYTES = 256 * 1024;
/** Lines shown of one process in ten seconds: one that complains in a loop must not push everything else off the terminal. */
const SHOWN_PER_WINDOW = 20;
const WINDOW_MS = 10_000;

/**
 * What a person should see of a log line; undefined for what may rest in the file. Apps write JSON with a level, the broker and Redis their own, and
 * what is none of these (a crash before there was a logger) is always worth seeing.
 * @param {string} line
 */
export const worthShowing = (line) => {
  if (line.startsWith('{')) return showJson(line);
  const nats = /^\[\d+\] \S+ \S+ \[(\w+)\] (.*)$/.exec(line);
  if (nats) return showNats(nats[1], nats[2]);
  const redis = /^\d+:(?:signal-handler|[A-Z]) (.*)$/.exec(line);
  if (redis) return showRedis(redis[1]);
  return line.trim() === '' ? undefined : line;
};

/** Passwords lie in a file that only its owner can read; and it is we who ask the broker whether it is ready, from its first millisecond on. */
const NATS_NOISE = /^Plaintext passwords|^Healthcheck failed: "failed to be ready for connections/;

/** @param {string} level @param {string} text */
const showNats = (level, text) => {
  if (NATS_NOISE.test(text)) return undefined;
  return level === 'WRN' || level === 'ERR' || level === 'FTL' ? `${level === 'WRN' ? 'warn' : 'error'}: ${text}` : undefined;
};

/** Redis marks its banner and its advice on the kernel as it marks what is wrong: `22 Nov 2026 14:15:00.046 # text`. @param {string} rest */
const showRedis = (rest) => {
  const text = /^\d+ \w+ \d+ \S+ # (.*)$/.exec(rest)?.[1];
  return text && !text.startsWith('WARNING') && /error|fail|can't|cannot|crash|fatal|out of memory/i.test(text) ? `warn: ${text}` : undefined;
};

/** @param {string} line */
const showJson = (line) => {
  if (!/"level":"(warn|error|fatal)"/.test(line)) return undefined; // most lines end here, unparsed
  try {
    const { level, msg, time: _time, app: _app, err, ...rest } = JSON.parse(line);
    const more = Object.entries({ ...rest, ...(err && { error: err.message ?? err }) }).map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
    return [`${level}: ${msg ?? ''}`, ...more].join(' ');
  } catch {
    return line; // cut short by a kill
  }
};

/** Follows one log file from its present end and shows what is worth it. */
export class LogTail {
  /** @param {string} name @param {string} file @param {(text: string) => void} say */
  constructor(name, file, say) {
    this.name = name;
    this.say = say;
    this.file = file;
    this.descriptor = openSync(file, 'a+', 0o600);
    this.offset = fstatSync(this.descriptor).size;
    this.rest = '';
    this.windowEndsAt = 0;
    this.shown = 0;
    this.hidden = 0;
    this.decoder = new StringDecoder('utf8');
    this.buffer = Buffer.allocUnsafe(LOOK_BYTES);
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS).unref();
  }

  look() {
    const { size } = fstatSync(this.descriptor);
    if (size < this.offset) this.offset = 0; // the file was cut
    if (size - this.offset > LOOK_BYTES) this.skipTo(size - LOOK_BYTES);
    const read = readSync(this.descriptor, this.buffer, 0, LOOK_BYTES, this.offset);
    this.offset += read;
    if (read === 0) return;
    const lines = (this.rest + this.decoder.write(this.buffer.subarray(0, read))).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.show(worthShowing(line));
  }

  /** @param {number} offset */
  skipTo(offset) {
    this.say(`${this.name}  (it writes faster than can be shown here; all of it is in ${this.file})`);
    this.offset = offset;
    this.rest = '';
  }

  /** @param {string | undefined} text */
  show(text) {
    if (text === undefined) return;
    if (Date.now() >= this.windowEndsAt) this.newWindow();
    this.shown += 1;
    if (this.shown <= SHOWN_PER_WINDOW) this.say(`${this.name}  ${text}`);
    else this.hidden += 1;
  }

  newWindow() {
    if (this.hidden > 0) this.say(`${this.name}  … and ${this.hidden} more lines like these, in ${this.file}`);
    this.windowEndsAt = Date.now() + WINDOW_MS;
    this.shown = 0;
    this.hidden = 0;
  }

  close() {
    clearInterval(this.timer);
    this.look();
    if (this.hidden > 0) this.newWindow();
    closeSync(this.descriptor);
  }
}
