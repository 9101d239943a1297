import { inMs, must } from './demo.mjs';

const COPIES = 500;
/** As many as an eager producer has under way. */
const AT_ONCE = 20;

/** The same event again and again: accepted each time, delivered once. @param {import('./demo.mjs').Demo} demo */
export const duplicates = async (demo) => {
  demo.title('A flood of duplicates');
  const type = demo.typeOf('contact.updated');
  const receiver = await demo.receiver();
  await demo.endpoint({ url: receiver.url, types: [type] });
  const began = performance.now();
  const ids = new Set();
  for (let sent = 0; sent < COPIES; sent += AT_ONCE) {
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => demo.api.send(type, '{"contact":3}', `contact-3-${demo.run}`)));
    for (const { id } of answers) ids.add(id);
  }
  must(ids.size === 1, `one event had ${ids.size} ids`);
  demo.tell(`sent ${COPIES} times in ${inMs(performance.now() - began)}, each answered 202 with the same id`);

  // one lane keeps its order: when what was sent after them is there, no copy is still on its way
  const { id: last } = await demo.api.send(type, '{"contact":4}');
  await demo.until('the event after them', () => receiver.of(last)[0]);
  must(receiver.requests.length === 2, `${receiver.requests.length - 1} copies were delivered`);
  demo.tell('delivered once');
};
