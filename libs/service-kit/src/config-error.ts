export type ConfigFault = { variable: string; seen: string; wanted: string };

/** Every fault of a configuration at once: who starts an app with three slips starts it twice, not four times. */
export class ConfigError extends Error {
  readonly code = 'SPILLWAY_CONFIG';
  readonly remediation = 'correct these variables; docs/reference/config.md lists them all';

  constructor(readonly faults: readonly ConfigFault[]) {
    super(`the configuration has ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}: ${faults.map(sentence).join('; ')}`);
    this.name = 'ConfigError';
  }
}

const sentence = ({ variable, seen, wanted }: ConfigFault): string => `${variable} is ${seen}, wanted: ${wanted}`;
