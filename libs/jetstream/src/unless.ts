import { BrokerRefused } from './errors.ts';

/** From the server's errors.json (2.15). */
export const NO_SUCH_STREAM = 10_059;
export const NO_SUCH_MESSAGE = 10_037;

/** `undefined` for the one refusal that is an answer. */
export const unless = async <T>(errCode: number, answer: Promise<T>): Promise<T | undefined> => {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof BrokerRefused && error.errCode === errCode) return undefined;
    throw error;
  }
};
