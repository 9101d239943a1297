import preset from '../jest.preset.mjs';

/** Plain JavaScript: what runs before anything is installed has no build. */
export default {
  ...preset,
  rootDir: import.meta.dirname,
  displayName: 'tools',
  testMatch: ['<rootDir>/**/*.spec.mjs'],
  extensionsToTreatAsEsm: [],
  transform: {},
  setupFiles: [],
  // above the 60 s that `until` waits, several times in a test of a whole start
  testTimeout: 240_000,
};
