/** Fields of the API whose behaviour comes later, and what it will be. Refused until then: accepted and without effect they would be a lie. */
export type NotYet = Readonly<Record<string, string>>;

export const endpointNotYet: NotYet = {
  ed25519: 'ed25519 signatures',
  internal: 'internal endpoints',
};

export const endpointChangeNotYet: NotYet = { ...endpointNotYet, secret: 'replacing a secret, with both valid for a while,' };

export const tenantNotYet: NotYet = { retentionDays: 'a retention of its own' };
