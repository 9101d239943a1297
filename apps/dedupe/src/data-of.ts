const DATA = Buffer.from('"data":');

/** Where the producer's own bytes stand in the body: a type holds no quotes, so the first `"data":` is the envelope's own. */
export const dataOf = (body: Uint8Array): Buffer => {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  // less the brace that closes the envelope
  return bytes.subarray(bytes.indexOf(DATA) + DATA.length, bytes.length - 1);
};
