import { inMs, must } from './demo.mjs';
import { verifier } from './verify.mjs';

/** JSON.parse would turn the number into …568000 and 1.0 into 1: it must arrive as it was sent. */
const DATA = '{"invoice":12345678901234567890,"amount":1.0,"to":"Grüße, 世界"}';

/** An event in, a signed webhook out. @param {import('./demo.mjs').Demo} demo */
export const firstDelivery = async (demo) => {
  demo.title('An event, delivered and signed');
  const type = demo.typeOf('invoice.paid');
  const receiver = await demo.receiver();
  demo.tell(`a receiver listens on ${receiver.url}`);
  const endpoint = await demo.endpoint({ url: receiver.url, types: [type] });
  demo.tell(`endpoint ${endpoint.id} is made; its secret is ${endpoint.secret.slice(0, 12)}…`);

  const sentAt = performance.now();
  const { id, tookMs } = await demo.api.send(type, DATA);
  demo.tell(`event ${id}: 202 after ${inMs(tookMs)}, so it is on disk`);
  const request = await demo.until('the delivery', () => receiver.of(id)[0]);
  demo.tell(`delivered ${inMs(request.at - sentAt)} after it was sent: webhook-id ${request.id}`);

  const library = await verifier(endpoint.secret);
  library.verify(request.body, request.headers);
  must(refuses(() => library.verify(request.body.replace('1.0', '2.0'), request.headers)), 'a changed body was taken for a signed one');
  demo.tell('its signature is right, says npm’s standardwebhooks; of a body with one digit changed it is not');
  must(request.body.endsWith(`"data":${DATA}}`), `data came as ${request.body}`);
  demo.tell(`its data came byte for byte: ${DATA}`);
};

/** @param {() => unknown} verify */
const refuses = (verify) => {
  try {
    verify();
    return false;
  } catch {
    return true;
  }
};
