import { isIP } from 'node:net';

/** Where a URL leads, read once: everything is judged and dialled by this, and never by the text. */
export type Target = {
  readonly secure: boolean;
  /** A name, or an address without brackets; lower case, in ASCII, without the dot of a full name. */
  readonly host: string;
  readonly port: number;
  /** The host is an address, which no resolver is asked for. */
  readonly literal: boolean;
  /** Scheme, host and port as in the URL. */
  readonly origin: string;
  readonly path: string;
  /** An endpoint of our own (the canary's): exempt for its own host and port. */
  readonly internal: boolean;
};

/** `URL` has folded decimal, octal, hexadecimal and Unicode spellings of addresses already. */
export const targetOf = (url: URL, internal: boolean): Target => {
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  return {
    secure,
    host,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    literal: isIP(host) !== 0,
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    internal,
  };
};
