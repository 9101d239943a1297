import { randomBytes } from 'node:crypto';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { newSecret, parseSecret } from './secret.ts';
import { sign } from './sign.ts';

const now = (): number => Math.floor(Date.now() / 1_000);
const body = Buffer.from('{"type":"invoice.paid","timestamp":"2026-11-22T10:00:00Z","data":{"amount":12345678901234567890,"name":"Zoë 🎉"}}');
const id = 'evt_2UHNUOIFEqdKR4QpeU5iSx';

/** What a receiver holds in hands. */
const headersOf = (signature: string, timestampSeconds: number): Record<string, string> => ({
  'webhook-id': id,
  'webhook-timestamp': String(timestampSeconds),
  'webhook-signature': signature,
});

describe.each([
  ['standardwebhooks', StandardWebhook],
  ['svix', SvixWebhook],
])('as verified by %s', (_, Webhook) => {
  /** Throws unless it is right; what it gives then differs between the two libraries. */
  const verify = (secret: string, signature: string, sent: Buffer = body, at = now()): 'right' => {
    new Webhook(secret).verify(sent, headersOf(signature, at));
    return 'right';
  };

  it('is right for the secret it was made with', () => {
    const secret = newSecret();
    const signature = sign({ id, timestampSeconds: now(), body, secrets: [parseSecret(secret)] });
    expect(verify(secret, signature)).toBe('right');
  });

  it('is right for each secret of a rotation, and wrong for any other', () => {
    const [old, next, stranger] = [newSecret(), newSecret(), newSecret()];
    const signature = sign({ id, timestampSeconds: now(), body, secrets: [parseSecret(next), parseSecret(old)] });
    expect(signature).toMatch(/^v1,\S{44} v1,\S{44}$/);
    expect(verify(old, signature)).toBe('right');
    expect(verify(next, signature)).toBe('right');
    expect(() => verify(stranger, signature)).toThrow('No matching signature');
  });

  it.each([24, 64])('takes a customer’s own key of %i bytes', (bytes) => {
    const secret = `whsec_${randomBytes(bytes).toString('base64')}`;
    expect(verify(secret, sign({ id, timestampSeconds: now(), body, secrets: [parseSecret(secret)] }))).toBe('right');
  });

  it('is wrong for a body with one byte changed, for another id and for another time', () => {
    const secret = newSecret();
    const secrets = [parseSecret(secret)];
    const changed = Buffer.from(body);
    changed[changed.length - 3]! ^= 1;
    expect(() => verify(secret, sign({ id, timestampSeconds: now(), body, secrets }), changed)).toThrow('No matching signature');
    expect(() => verify(secret, sign({ id: `${id}x`, timestampSeconds: now(), body, secrets }))).toThrow('No matching signature');
    const at = now();
    expect(() => verify(secret, sign({ id, timestampSeconds: at, body, secrets }), body, at + 1)).toThrow('No matching signature');
  });

  it('signs bytes, not text: an empty body and one that is not UTF-8 as they are', () => {
    const secret = newSecret();
    const secrets = [parseSecret(secret)];
    const empty = Buffer.alloc(0);
    expect(verify(secret, sign({ id, timestampSeconds: now(), body: empty, secrets }), empty)).toBe('right');
    const latin1 = sign({ id, timestampSeconds: now(), body: Buffer.from([0xff, 0xfe]), secrets });
    expect(latin1).not.toBe(sign({ id, timestampSeconds: now(), body: Buffer.from('\uFFFD\uFFFD'), secrets }));
  });
});

it('keeps to the example of the Standard Webhooks specification', () => {
  const signature = sign({
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    timestampSeconds: 1_614_265_330,
    body: Buffer.from('{"test": 2432232314}'),
    secrets: [parseSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')],
  });
  expect(signature).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

it('signs a part of a larger buffer as that part', () => {
  const secrets = [parseSecret(newSecret())];
  const larger = Buffer.concat([Buffer.from('before'), body, Buffer.from('after')]);
  const part = new Uint8Array(larger.buffer, larger.byteOffset + 6, body.length);
  expect(sign({ id, timestampSeconds: 1, body: part, secrets })).toBe(sign({ id, timestampSeconds: 1, body, secrets }));
});

it.each([
  ['no secret', { secrets: [] }, 'no secret'],
  ['a fraction of a second', { timestampSeconds: 1.5 }, 'timestamp 1.5'],
  ['no time', { timestampSeconds: Number.NaN }, 'timestamp NaN'],
  ['an id with a dot', { id: 'evt_1.2' }, 'id "evt_1.2"'],
])('refuses %s', (_, part, says) => {
  const whole = { id, timestampSeconds: 1, body, secrets: [Buffer.alloc(32)], ...part };
  expect(() => sign(whole)).toThrow(says);
});
