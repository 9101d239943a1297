import { createLogger } from './logger.ts';

const logged = (level?: string) => {
  const lines: string[] = [];
  const log = createLogger('ingest', level, { write: (line: string) => void lines.push(line) });
  return { log, lines: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
};

it('writes one JSON object a line, with words for levels and a time that people read', () => {
  const { log, lines } = logged();
  log.info({ event: 'evt_1' }, 'ready');
  log.debug('not at this level');
  expect(lines()).toEqual([{ level: 'info', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/), app: 'ingest', event: 'evt_1', msg: 'ready' }]);
});

it('keeps the code, the remedy and the cause of an error', () => {
  const { log, lines } = logged();
  log.error(Object.assign(new Error('no', { cause: new Error('why') }), { code: 'SPILLWAY_X', remediation: 'do this' }), 'failed');
  expect(lines()[0]).toMatchObject({ level: 'error', msg: 'failed', err: { code: 'SPILLWAY_X', remediation: 'do this', message: 'no: why', stack: expect.stringContaining('caused by') } });
});

it('refuses a level that is none', () => {
  expect(() => createLogger('ingest', 'loud')).toThrow(/"loud": wanted one of trace, debug, info/);
});
