const PARTS = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/**
 * One spelling for one decimal value: 1, 1.0, 10e-1 and 0.1e1 are `1`; 1200 is `12e2`; -0 is `0`. Unlike RFC 8785 it does not go by way of a double: what differs beyond
 * its precision stays different. An event that is dropped wrongly is lost, one that is not dropped is delivered twice.
 */
export const canonicalNumber = (text: string): string => {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = PARTS.exec(text) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  if (digits === '') return '0';
  const significant = digits.replace(/0+$/, '');
  // in integers: exponents beyond 2^53 are legal JSON, too
  const power = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length);
  return power === 0n ? sign + significant : `${sign}${significant}e${power}`;
};
