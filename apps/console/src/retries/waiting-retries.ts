import { listSubjects, type Broker } from '@spillway/jetstream';
import { calendarOf, overdueOf, type CalendarEntry } from './calendar.ts';

export type WaitingRetries = {
  /** In the calendar. */
  waiting: number;
  /** Of these: due, and not begun. */
  overdue: number;
  calendar: CalendarEntry[];
  /** Later attempts that wait for their endpoint, not for a time. */
  parked: number;
};

/** A listing of a day's calendar is some ms of the server's time; who asks more often than this gets the same one. */
const FRESH_MS = 1_000;

/** What the server says is in the calendar, and what later attempts are parked. */
export class WaitingRetriesOf {
  private latest: Promise<WaitingRetries> | undefined;
  private askedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly broker: Broker) {}

  /** @throws BrokerAway | OutcomeUnknown | BrokerRefused */
  async read(): Promise<WaitingRetries> {
    const now = performance.now();
    if (this.latest === undefined || now - this.askedAt >= FRESH_MS) {
      this.askedAt = now;
      this.latest = this.ask();
      // a failure is told to who asked, and not kept
      this.latest.catch(() => (this.latest = undefined));
    }
    return this.latest;
  }

  private async ask(): Promise<WaitingRetries> {
    const [due, parked] = await Promise.all([listSubjects(this.broker, 'WEBHOOK_RETRY', 'webhook.retry.at.>'), listSubjects(this.broker, 'WEBHOOK_PARKED', 'webhook.parked.later.>')]);
    return {
      waiting: sum(due.counts),
      // by the broker's clock: due times come from it
      overdue: overdueOf(due.counts, due.brokerNowMs),
      calendar: calendarOf(due.counts),
      parked: sum(parked.counts),
    };
  }
}

const sum = (counts: ReadonlyMap<string, number>): number => {
  let all = 0;
  for (const count of counts.values()) all += count;
  return all;
};
