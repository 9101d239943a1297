import { RawClient } from '@spillway/testing';
import { lines, problemFrom, send, start, stopAll } from '../test/service.ts';

afterEach(stopAll);

describe('what goes wrong', () => {
  it('answers what a handler throws', async () => {
    const { url } = await start();
    const answer = await fetch(`${url}/things/1`, { method: 'POST' });
    expect(answer.headers.get('retry-after')).toBe('3');
    expect(await problemFrom(answer)).toMatchObject({ status: 429, code: 'tenant_quota', quota: 'messages' });
  });

  it('keeps what it did not foresee to its log, under the instance it answers with', async () => {
    const { url } = await start();
    const problem = await problemFrom(await fetch(`${url}/broken`));
    expect(problem).toMatchObject({ status: 500, code: 'internal' });
    expect(JSON.stringify(problem)).not.toContain('hunter2');
    expect(lines).toContainEqual(expect.objectContaining({ level: 'error', instance: problem['instance'], err: expect.objectContaining({ message: 'hunter2' }) }));
  });

  it.each([
    ['malformed JSON', '{"a":', 'application/json', 400, 'malformed_json'],
    ['a body that is no JSON at all', 'a', 'application/json', 400, 'malformed_json'],
    ['a prototype in disguise', String.raw`{"a":{"\u005f_proto__":1}}`, 'application/json', 400, 'malformed_json'],
    ['another media type', '<a/>', 'application/xml', 415, 'unsupported_media_type'],
    ['text', 'a', 'text/plain', 415, 'unsupported_media_type'],
    ['300 kB', JSON.stringify('x'.repeat(300_000)), 'application/json', 413, 'payload_too_large'],
  ])('refuses %s', async (_, body, type, status, code) => {
    const { url } = await start();
    expect(await problemFrom(await send(`${url}/things/1`, body, type))).toMatchObject({ status, code });
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('says what is not there, and what is there by another method', async () => {
    const { url } = await start();
    expect(await problemFrom(await fetch(`${url}/nowhere?a=1`))).toMatchObject({ status: 404, code: 'not_found', detail: 'there is nothing at /nowhere' });
    const wrong = await fetch(`${url}/things/1`, { method: 'DELETE' });
    expect(wrong.headers.get('allow')).toBe('POST');
    expect(await problemFrom(wrong)).toMatchObject({ status: 405, code: 'method_not_allowed' });
    expect(await problemFrom(await fetch(`${url}/%zz`))).toMatchObject({ status: 400, code: 'malformed_url' });
  });

  it('does not read a huge body to the end in order to refuse it', async () => {
    const { url } = await start();
    const client = new RawClient(url).say('POST /things/1 HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000000000000\r\n\r\n');
    expect(await client.closed()).toMatch(/^HTTP\/1\.1 413 [^]*connection: close[^]*payload_too_large/i);
  });

  it('does not read chunks without end either', async () => {
    const { url } = await start();
    const client = new RawClient(url).say('POST /things/1 HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n');
    const chunk = `10000\r\n${'x'.repeat(0x1_0000)}\r\n`;
    const dripping = setInterval(() => client.say(chunk), 5);
    expect(await client.closed()).toMatch(/^HTTP\/1\.1 413 /);
    clearInterval(dripping);
    expect(client.socket.bytesWritten).toBeLessThan(50_000_000);
  });

  it('answers what is not HTTP, or has headers without end, as a problem too', async () => {
    const { url } = await start();
    const say = (text: string): Promise<string> => new RawClient(url).say(text).closed();
    expect(await say('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [^]*problem\+json[^]*malformed_request/);
    expect(await say(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 [^]*headers_too_large/);
  });
});
