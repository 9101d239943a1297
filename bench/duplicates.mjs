// How fast one dedupe drops repeats, beside how fast one ingest takes them in batches when it lets them through (those of another ingest, or of before a restart): what comes faster than it goes piles up in INGEST. Phases take turns; while ingest takes,
// dedupe stands still, and afterwards nobody sends.
import { startPlane } from '@spillway/testing';
import { BrokerView } from '../e2e/broker-view.ts';
import { closedLoop } from './load/closed-loop.mjs';
import { spread, round } from './load/figures.mjs';
import { cpuMicrosPerEvent, cpuOf } from './load/processes.mjs';
import { repeatsSubject } from './subjects.mjs';

const ROUNDS = 3;
const BATCH = 100;
const CONNECTIONS = 32;
/** Batches of their own, sent in turn: 1,000 events again and again. */
const BATCHES = 10;
const ROOM = { SPILLWAY_MAX_BYTES_INGEST: '8GiB', SPILLWAY_MAX_MESSAGES_TENANT: '100000000' };
const EVERY_MS = 20;

export const duplicates = {
  about: 'how fast one dedupe drops repeats, beside how fast one ingest takes them in batches of 100',
  start: async ({ started, say }) => {
    say('starting a plane');
    return { plane: await started(startPlane({ redis: true, apps: { console: 0, dispatcher: 0 }, limits: ROOM, env: { ingest: { SPILLWAY_DOOR_IDS: '0' } } })) };
  },
  run: async ({ plane, say, seconds = 4 }) => {
    const view = await BrokerView.of(plane);
    try {
      const dedupe = plane.app('dedupe').pid;
      const repeats = repeatsSubject(plane, BATCH, BATCHES);
      const load = { port: repeats.port, connections: CONNECTIONS, request: repeats.request };
      await closedLoop({ ...load, seconds: 1 }); // warm up; every id is known from here on
      await nothingWaits(view);
      const rounds = [];
      for (let i = 1; i <= ROUNDS; i += 1) {
        process.kill(dedupe, 'SIGSTOP');
        const taken = await closedLoop({ ...load, seconds });
        process.kill(dedupe, 'SIGCONT');
        const count = taken.accepted * BATCH;
        const [startedAt, cpu] = [performance.now(), cpuOf(repeats.pids)];
        await nothingWaits(view);
        rounds.push({ taken: count / taken.seconds, dropped: count / ((performance.now() - startedAt) / 1_000), cpu: cpuMicrosPerEvent(cpu, cpuOf(repeats.pids), count) });
        say(`round ${i} of ${ROUNDS}: taken ${round(rounds.at(-1).taken)}/s, dropped ${round(rounds.at(-1).dropped)}/s`);
      }
      return report(rounds);
    } finally {
      await view.close();
    }
  },
};

const report = (rounds) => ({
  takenPerSecond: spread(rounds.map(({ taken }) => taken)).median,
  droppedPerSecond: spread(rounds.map(({ dropped }) => dropped)).median,
  // pair by pair, so that a machine that drifts drifts in both
  droppedToTaken: spread(rounds.map(({ taken, dropped }) => dropped / taken), 2),
  cpuMicrosPerDuplicate: rounds.at(-1).cpu,
});

const nothingWaits = async (view) => {
  for (;;) {
    const { num_pending: waiting, num_ack_pending: inHand } = await view.broker.api('CONSUMER.INFO.WEBHOOK_INGEST.dedupe-fresh');
    if (waiting + inHand === 0) return;
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
};
