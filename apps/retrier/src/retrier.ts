import { attempter, AttemptsConfig, Pace, retrierGate, type Attempter } from '@spillway/attempts';
import type { Room } from '@spillway/jetstream';
import type { Service } from '@spillway/service-kit';
import { readRetryAt } from '@spillway/topology';
import { recentHours } from './calendar-hours.ts';
import { RetrierModule } from './retrier.module.ts';

export class RetrierConfig extends AttemptsConfig {}

/** Of one bucket at once: a slice under way and one behind it. */
const HELD_PER_BUCKET = 512;
/** Of all at once, parked ones included: what is settled within a second, since a crash repeats what is not. What has begun and is not settled stops the taking of more. */
const HELD_MAX = 2_048;
/** What is in nobody's view (an overdue bucket of yesterday, one that a clock error put far ahead) is found once a minute. */
const WHOLE_EVERY_MS = 60_000;
const RECENT_EVERY_MS = 1_000;

/** Every later attempt, from the calendar or from PARKED. */
export const retrier = (config: RetrierConfig): Promise<Service> => {
  const pace = new Pace();
  return attempter(config, {
    app: 'retrier',
    portOffset: 6,
    limits: retrierGate,
    module: (parts) => {
      parts.switches.onChange((resumed) => {
        if (resumed) pace.restart();
      });
      return RetrierModule.with(parts.path, pace);
    },
    room: (parts) => roomInCalendar(parts, pace),
    listing: (queue, shard) =>
      queue === 'calendar' ? { listEveryMs: WHOLE_EVERY_MS, listings: [{ everyMs: RECENT_EVERY_MS, filters: (brokerNowMs) => recentHours(shard, brokerNowMs) }] } : {},
  });
};

/** A bucket is worked once its time has come, by the broker's clock; at the pace of a backlog, and not at all while all is suspended. */
const roomInCalendar =
  ({ gate, switches, transport }: Attempter, pace: Pace): Room =>
  ({ subject, held }) => {
    const dueAt = readRetryAt(subject ?? '')?.dueAt.getTime();
    const brokerNowMs = transport().brokerNowMs;
    if (dueAt === undefined || brokerNowMs === 0 || dueAt > brokerNowMs || switches.allSuspended) return 0;
    if (transport().inHand >= HELD_MAX) return 0;
    if (gate.bytesWaiting >= retrierGate.maxWaitingBytes) return 0;
    return Math.min(HELD_PER_BUCKET - held, pace.available(performance.now()));
  };
