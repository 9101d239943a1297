import { ArrayMinSize, IsInt, IsOptional, IsUrl, Max, Min } from 'class-validator';
import { ConfigError } from './config-error.ts';
import { describeConfig, printConfig } from './describe-config.ts';
import { FromEnv } from './from-env.ts';
import { loadConfig } from './load-config.ts';
import { ServiceConfig } from './service-config.ts';

class PostConfig extends ServiceConfig {
  @FromEnv('POST_URL', { doc: 'Where to.' })
  @IsUrl({ require_tld: false })
  url!: string;

  @FromEnv('POST_AT_ONCE', { default: 512, doc: 'How many at once.' })
  @IsInt()
  @Min(1)
  @Max(10_000)
  atOnce!: number;

  @FromEnv('POST_FAST', { default: false, doc: 'Whether to hurry.' })
  fast!: boolean;

  @FromEnv('POST_NETWORKS', { default: [], doc: 'Where it may go.' })
  networks!: string[];

  @FromEnv('POST_SECRET', { secret: true, doc: 'The master key.' })
  @IsOptional()
  @Min(1_000_000)
  secret?: number;
}

const faultsOf = (env: Record<string, string>) => {
  try {
    loadConfig(PostConfig, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
};

it('reads every type from text, and fills in the defaults', () => {
  const config = loadConfig(PostConfig, { POST_URL: 'http://there/x', POST_AT_ONCE: ' 7 ', POST_FAST: 'Yes', POST_NETWORKS: '10.0.0.0/8, ::1/128,', SPILLWAY_PORT_BASE: '0' });
  expect(config).toEqual({ portBase: 0, bind: '127.0.0.1', logLevel: 'info', blockedAfterMs: 3_000, url: 'http://there/x', atOnce: 7, fast: true, networks: ['10.0.0.0/8', '::1/128'] });
  expect(loadConfig(PostConfig, { POST_URL: 'http://there' })).toMatchObject({ atOnce: 512, fast: false, networks: [], portBase: 8080 });
});

it('takes an empty variable as not set, as compose files write it', () => {
  expect(loadConfig(PostConfig, { POST_URL: 'http://there', POST_AT_ONCE: '', SPILLWAY_STATUS_KEY: ' ' })).toMatchObject({ atOnce: 512 });
  expect(faultsOf({ POST_URL: '' })).toEqual([{ variable: 'POST_URL', seen: 'not set', wanted: 'it must be a URL address' }]);
});

it('names every fault at once: variable, seen, wanted', () => {
  expect(faultsOf({ POST_AT_ONCE: '0x10', POST_FAST: 'perhaps', SPILLWAY_PORT_BASE: '70000.5', SPILLWAY_LOG_LEVEL: 'loud' })).toEqual([
    { variable: 'SPILLWAY_PORT_BASE', seen: '"70000.5"', wanted: 'it must be an integer number, it must not be greater than 65522' },
    { variable: 'SPILLWAY_LOG_LEVEL', seen: '"loud"', wanted: 'it must be one of the following values: trace, debug, info, warn, error, fatal, silent' },
    { variable: 'POST_URL', seen: 'not set', wanted: 'it must be a URL address' },
    { variable: 'POST_AT_ONCE', seen: '"0x10"', wanted: 'a number' },
    { variable: 'POST_FAST', seen: '"perhaps"', wanted: 'true or false' },
  ]);
  expect(() => loadConfig(PostConfig, { POST_AT_ONCE: 'x' })).toThrow('the configuration has 2 faults: POST_URL is not set, wanted: it must be a URL address; POST_AT_ONCE is "x", wanted: a number');
});

const told = (env: Record<string, string>): string => JSON.stringify(faultsOf({ POST_URL: 'http://there', ...env }));

it('does not tell a secret, not even a wrong one', () => {
  for (const wrong of ['hunter2', '12345']) {
    expect(told({ POST_SECRET: wrong })).toContain('set (secret)');
    expect(told({ POST_SECRET: wrong })).not.toContain(wrong);
  }
});

it('cannot be changed once loaded', () => {
  const config = loadConfig(PostConfig, { POST_URL: 'http://there', POST_NETWORKS: 'a' });
  expect(() => Object.assign(config, { atOnce: 1 })).toThrow(TypeError);
  expect(() => config.networks.push('b')).toThrow(TypeError);
});

it('is printed by variable, with secrets and passwords masked', () => {
  const config = loadConfig(PostConfig, { POST_URL: 'http://user:hunter2@there/x', POST_SECRET: '1234567', SPILLWAY_STATUS_KEY: 'hunter2hunter2hunter2' });
  expect(printConfig(config)).toMatchObject({ POST_URL: 'http://user:***@there/x', POST_SECRET: '***', SPILLWAY_STATUS_KEY: '***', POST_AT_ONCE: 512 });
  expect(JSON.stringify(printConfig(config))).not.toMatch(/hunter2|1234567/);
});

it('describes itself for the reference, the general first', () => {
  const rows = describeConfig(PostConfig);
  expect(rows.map(({ variable }) => variable)).toEqual([
    'SPILLWAY_PORT_BASE', 'SPILLWAY_BIND', 'SPILLWAY_LOG_LEVEL', 'SPILLWAY_BLOCKED_AFTER_MS', 'SPILLWAY_STATUS_KEY', 'POST_URL', 'POST_AT_ONCE', 'POST_FAST', 'POST_NETWORKS', 'POST_SECRET',
  ]);
  expect(rows[6]).toEqual({ variable: 'POST_AT_ONCE', type: 'number', default: '512', doc: 'How many at once.', secret: false });
  expect(rows[8]).toMatchObject({ type: 'string[]' });
  expect(describeConfig(ServiceConfig)).toHaveLength(5);
});

it('lets a class declare a property again', () => {
  class Other extends PostConfig {
    @FromEnv('POST_AT_ONCE', { default: 256, doc: 'Half of it.' })
    declare atOnce: number;
  }
  expect(loadConfig(Other, { POST_URL: 'http://there' }).atOnce).toBe(256);
  expect(loadConfig(PostConfig, { POST_URL: 'http://there' }).atOnce).toBe(512);
});

it('checks lists and refuses types it cannot read from text', () => {
  class Listed {
    @FromEnv('LISTED', { doc: '' })
    @ArrayMinSize(2)
    items!: string[];
  }
  expect(() => loadConfig(Listed, { LISTED: 'a' })).toThrow('LISTED is "a", wanted: it must contain at least 2 elements');
  expect(() => {
    class Odd {
      @FromEnv('ODD', { doc: '' })
      when!: Date;
    }
    return Odd;
  }).toThrow('Odd.when: wanted a string, a number, a boolean or string[] for ODD');
});
