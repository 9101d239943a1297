import { Refusal } from '../refusal.mjs';

/** The official library, as a customer has it: our own code must not be the judge of itself. @param {string} secret */
export const verifier = async (secret) => {
  const library = await import('standardwebhooks').catch((cause) => {
    throw new Refusal('The package standardwebhooks is not installed: npm start installs it (npm ci).', { cause });
  });
  return new library.Webhook(secret);
};
