import { inMs, must } from './demo.mjs';
import { verifier } from './verify.mjs';

/** Waits before attempts 2 and 3, in seconds: the default would be 5 s and 5 min, too long to look at. */
const SCHEDULE = [1, 2];
/** The default's first wait is 5 s, with jitter 6, rounded up to a second; the retrier looks once a second. */
const RETRY_WITHIN_MS = 60_000;

/** An endpoint that fails, and the retries that wait for it by time. @param {import('./demo.mjs').Demo} demo */
export const failingEndpoint = async (demo) => {
  demo.title('An endpoint that fails, and its retries');
  const type = demo.typeOf('order.shipped');
  const failures = (await takesSchedules(demo, type)) ? SCHEDULE.length : 1;
  const receiver = await demo.receiver((_, earlier) => (earlier < failures ? 503 : 204));
  const settings = { url: receiver.url, types: [type], ...(failures === SCHEDULE.length ? { schedule: SCHEDULE } : {}) };
  const endpoint = await demo.endpoint(settings);
  demo.tell(`endpoint ${endpoint.id} will answer 503 ${failures === 1 ? 'once' : `${failures} times`}`);

  const { id } = await demo.api.send(type, '{"order":7}');
  for (let attempt = 1; attempt <= failures; attempt += 1) {
    await demo.until(`attempt ${attempt}`, () => receiver.of(id)[attempt - 1], RETRY_WITHIN_MS);
    const due = await demo.until('its retry in the calendar', async () => receiver.of(id).length > attempt || (await dueNext(demo)));
    demo.tell(`attempt ${attempt} was answered 503${typeof due === 'string' ? `; the calendar has its retry at ${due}` : ', and its retry has come already'}`);
  }
  const [first, last] = [receiver.of(id)[0], await demo.until('the retry', () => receiver.of(id)[failures], RETRY_WITHIN_MS)];
  demo.tell(`attempt ${failures + 1} was answered 204, ${inMs(last.at - first.at)} after the first`);
  must(last.headers['webhook-timestamp'] !== first.headers['webhook-timestamp'], 'the retry was not signed anew');
  (await verifier(endpoint.secret)).verify(last.body, last.headers);
  demo.tell('the same webhook-id and body each time; timestamp and signature are the attempt’s own');
};

/** Versions before endpoints had a schedule say `not_yet`. @param {import('./demo.mjs').Demo} demo @param {string} type */
const takesSchedules = async ({ api }, type) => {
  const { status, body } = await api.tryToCreateEndpoint({ url: 'http://127.0.0.1:9/', types: [type], schedule: SCHEDULE, enabled: false });
  if (status === 201) await api.deleteEndpoint(body.id);
  return status === 201;
};

/** When the next retry is due; what else waits in this plane's calendar, overdue or for hours, is not meant. @param {import('./demo.mjs').Demo} demo @returns {Promise<string | undefined>} */
const dueNext = async ({ api }) => {
  const now = Date.now();
  return (await api.calendar()).map(({ at }) => at).find((at) => Date.parse(at) > now && Date.parse(at) < now + RETRY_WITHIN_MS);
};
