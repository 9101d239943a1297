/** RFC 9110, 5.6.2: what a header name is made of. */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
/** Visible ASCII, spaces and tabs within: no line ends, so nothing that begins another header; nothing whose encoding two readers see differently. */
const VALUE = /^(?:[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?$/;

/** As many as a receiver may want for its gateways. With our own, and the request line, it stays under the 8 KiB at which Tomcat refuses a head. */
const MAX_HEADERS = 32;
const MAX_BYTES = 4_096;

/** What frames the message or leads it: never from outside. */
const framing: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
  'http2-settings',
  'expect',
]);

/** What every delivery says of itself. */
const ours: ReadonlySet<string> = new Set(['content-type', 'content-encoding', 'accept-encoding', 'user-agent']);

export const framesMessage = (name: string): boolean => framing.has(name);

const isReserved = (name: string): boolean => framing.has(name) || ours.has(name) || name.startsWith('webhook-') || name.startsWith('proxy-');

const faultsOf = (name: string, value: unknown): string[] => {
  if (!NAME.test(name)) return [`${JSON.stringify(name)}: wanted a name of letters, digits and -, at most 128`];
  if (isReserved(name.toLowerCase())) return [`${name}: is set by us`];
  if (typeof value !== 'string' || !VALUE.test(value)) return [`${name}: wanted a value of visible ASCII characters, in one line`];
  return [];
};

/** What is wrong with the headers that an endpoint wants on its deliveries: one text a fault, none when all is well. Values are never shown. */
export const checkHeaders = (headers: Readonly<Record<string, unknown>>): string[] => {
  const entries = Object.entries(headers);
  const faults = entries.flatMap(([name, value]) => faultsOf(name, value));
  const names = entries.map(([name]) => name.toLowerCase());
  const twice = names.filter((name, at) => names.indexOf(name) !== at);
  faults.push(...twice.map((name) => `${name}: given twice`));
  if (entries.length > MAX_HEADERS) faults.push(`${entries.length} headers: wanted at most ${MAX_HEADERS}`);
  const bytes = entries.reduce((sum, [name, value]) => sum + name.length + String(value).length, 0);
  if (bytes > MAX_BYTES) faults.push(`${bytes} bytes of headers: wanted at most ${MAX_BYTES}`);
  return faults;
};
