import { headers } from '@nats-io/transport-node';
import { encodeHeaders, RawHeaders } from './raw-headers.ts';

const pairs: [string, string][] = [
  ['ce-type', 'invoice.paid'],
  ['Nats-Msg-Id', 'evt_1:ep_1'],
  ['Webhook-Source-Id', 'a%20b:c'],
  ['empty', ''],
];

describe('raw headers', () => {
  it('are what the client itself would send', () => {
    const theirs = headers();
    for (const [name, value] of pairs) theirs.append(name, value);
    expect(encodeHeaders(pairs).toString()).toBe(Buffer.from((theirs as unknown as { encode(): Uint8Array }).encode()).toString());
  });

  it('are read as they were written', () => {
    const read = new RawHeaders(encodeHeaders(pairs));
    expect([...read.entries()]).toEqual(pairs);
    expect(read.get('nothing')).toBeUndefined();
    expect(read.status).toBe(0);
  });

  it('refuse a value that would smuggle in a header', () => {
    expect(() => encodeHeaders([['a', 'b\r\nNats-Msg-Id: x']])).toThrow(TypeError);
    expect(() => encodeHeaders([['a', 'b\nc']])).toThrow('header a');
  });

  it('know a status from a message', () => {
    const status = new RawHeaders(Buffer.from('NATS/1.0 409 Consumer Deleted\r\n\r\n'));
    expect([status.status, status.description]).toEqual([409, 'Consumer Deleted']);
    expect(new RawHeaders(Buffer.from('NATS/1.0 404\r\n\r\n')).status).toBe(404);
  });

  it('end where a malformed block ends, and read no line twice', () => {
    expect([...new RawHeaders(Buffer.from('NATS/1.0\r\nno colon here\r\na: 1\r\n\r\n')).entries()]).toEqual([['a', '1']]);
    expect([...new RawHeaders(Buffer.from('NATS/1.0\r\na: 1')).entries()]).toEqual([]);
    expect([...new RawHeaders(Buffer.alloc(0)).entries()]).toEqual([]);
  });
});
