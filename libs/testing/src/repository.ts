import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder with nx.json above this file, whether it runs from src or from dist. */
export const repositoryRoot = (): string => {
  for (let dir = import.meta.dirname; ; dir = dirname(dir)) {
    if (existsSync(join(dir, 'nx.json')) || dir === dirname(dir)) return dir;
  }
};
