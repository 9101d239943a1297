import preset from '../jest.preset.mjs';

/** Real processes, and promises about time: one file after the other, or they would measure each other. */
export default {
  ...preset,
  rootDir: import.meta.dirname,
  displayName: 'e2e',
  setupFiles: [...preset.setupFiles, '<rootDir>/beside-others.mjs'],
  testMatch: ['<rootDir>/*.e2e.spec.ts'],
  maxWorkers: 1,
  testTimeout: 240_000,
};
