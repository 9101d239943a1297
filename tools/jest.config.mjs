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
};
