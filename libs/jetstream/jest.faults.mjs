import short from './jest.config.mjs';

/** Owners killed and frozen, brokers restarted: a minute and a half. `npm run test:faults`. */
export default { ...short, displayName: 'jetstream-faults', testMatch: ['<rootDir>/test/faults/*.spec.ts'], testPathIgnorePatterns: ['/node_modules/'], testTimeout: 240_000 };
