import { sendUntilAnswered, type Books, type Plane, type ToSend } from '@spillway/testing';

export type SteadyLoad = {
  /** Sends what is due by now, and no more. */
  stop: () => Promise<void>;
};

/** A steady stream of events, until it is told to stop; each sent again until accepted. @param event the `n`th of them, without its id */
export const steadyLoad = (plane: Plane, books: Books, ratePerSecond: number, event: (n: number) => Omit<ToSend, 'id'>): SteadyLoad => {
  const over = new AbortController();
  const running = (async () => {
    for (let round = 0; !over.signal.aborted; round += 1) {
      const events = Array.from({ length: ratePerSecond }, (_, i): ToSend => ({ ...event(round * ratePerSecond + i), id: `${round}-${i}` }));
      await sendUntilAnswered({ url: plane.app('ingest').url, key: plane.adminKey, events, ratePerSecond, connections: 16, onTried: books.tried });
    }
  })();
  return {
    stop: () => {
      over.abort();
      return running;
    },
  };
};
