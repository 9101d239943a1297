const CLOSE = 0x7d;

/**
 * The bytes that will be POSTed, built once: signed as they are, never parsed again on the way. `type` and `timestamp` hold no character that JSON would
 * escape and none beyond ASCII (their patterns say so), so they are written as they are.
 */
export const deliveryBody = (type: string, timestamp: string, data: Uint8Array): Buffer => {
  const head = `{"type":"${type}","timestamp":"${timestamp}","data":`;
  const body = Buffer.allocUnsafe(head.length + data.length + 1);
  body.write(head, 'latin1');
  body.set(data, head.length);
  body[body.length - 1] = CLOSE;
  return body;
};
