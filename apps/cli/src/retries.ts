import { InvalidArgumentError, type Command } from 'commander';
import { call } from './api.ts';
import { UsageError, type Cli } from './cli.ts';
import { table } from './table.ts';

type Scope = { tenant?: string; endpoint?: string };
type Said = { by: string; at: string };
type Switch = Scope & { suspended?: Said; throttled?: Said & { perSecond: number } };
type Retries = {
  suspended: (Scope & Said)[];
  throttled: (Scope & Said & { perSecond: number })[];
  /** `null` for who may not see the whole plane. */
  waiting: number | null;
  overdue: number | null;
  parked: number | null;
  calendar: { at: string; count: number }[] | null;
};

/** A screen’s worth; `--json` has all of it. */
const CALENDAR_LINES_MAX = 20;

const whose = ({ tenant, endpoint }: Scope): string => endpoint ?? tenant ?? 'all';

const calendarText = (calendar: { at: string; count: number }[]): string => {
  const rest = calendar.slice(CALENDAR_LINES_MAX).reduce((sum, { count }) => sum + count, 0);
  const lines = table(
    ['DUE', 'RETRIES'],
    calendar.slice(0, CALENDAR_LINES_MAX).map(({ at, count }) => [at, count]),
  );
  return rest === 0 ? lines : `${lines}\n… and ${rest} later`;
};

const human = ({ suspended, throttled, waiting, overdue, parked, calendar }: Retries): string =>
  [
    ...(suspended.length === 0 ? ['nothing is suspended'] : [table(['SUSPENDED', 'TENANT', 'BY', 'SINCE'], suspended.map((one) => [whose(one), one.tenant ?? '', one.by, one.at]))]),
    ...(throttled.length === 0 ? [] : [table(['THROTTLED', 'TENANT', 'PER SECOND', 'BY', 'SINCE'], throttled.map((one) => [whose(one), one.tenant ?? '', one.perSecond, one.by, one.at]))]),
    ...(waiting === null ? [] : [`${waiting} wait in the calendar, ${overdue ?? 0} of them overdue; ${parked ?? 0} are parked for their endpoint`]),
    ...(calendar === null || calendar.length === 0 ? [] : [calendarText(calendar)]),
  ].join('\n\n');

const switchText = ({ suspended, throttled, ...scope }: Switch): string => {
  const states = [...(suspended ? [`suspended since ${suspended.at} by ${suspended.by}`] : []), ...(throttled ? [`throttled to ${throttled.perSecond} a second`] : [])];
  return `retries of ${whose(scope)}: ${states.join(', ') || 'neither suspended nor throttled'}`;
};

/** `none`, not null: commander makes an empty text of that. */
const rate = (value: string): number | 'none' => {
  if (value === 'none') return value;
  const perSecond = Number(value);
  if (value.trim() === '' || !Number.isFinite(perSecond)) throw new InvalidArgumentError('wanted a number, or none');
  return perSecond;
};

const withScope = (command: Command): Command =>
  command.option('-t, --tenant <tenant>', 'of this tenant only').option('-e, --endpoint <id>', 'of this endpoint only: its id, or its uid beside --tenant');

export const registerRetries = (program: Command, cli: Cli): void => {
  const retries = program.command('retries').description('later attempts: what waits, and who is suspended or throttled');
  const turn = async (what: string, { tenant, endpoint }: Scope, also: object = {}) => {
    const body = { ...(tenant === undefined ? {} : { tenant }), ...(endpoint === undefined ? {} : { endpoint }), ...also };
    const answer = await call<Switch>(cli, 'console', { method: 'POST', path: `/v1/retries/${what}`, body });
    cli.print(answer, () => switchText(answer));
  };
  retries.action(async () => {
    const answer = await call<Retries>(cli, 'console', { path: '/v1/retries' });
    cli.print(answer, () => human(answer));
  });
  withScope(retries.command('suspend').description('no second or later attempts until resumed; of all without an option')).action((scope: Scope) => turn('suspend', scope));
  withScope(retries.command('resume').description('they go on, slowly at first')).action((scope: Scope) => turn('resume', scope));
  withScope(retries.command('throttle').description('at most so many later attempts a second'))
    .option('--per-second <n>', 'a number, or none to lift it', rate)
    .action((options: Scope & { perSecond?: number | 'none' }) => {
      if (options.perSecond === undefined) throw new UsageError('how many? --per-second <n>, or --per-second none');
      return turn('throttle', options, { perSecond: options.perSecond === 'none' ? null : options.perSecond });
    });
};
