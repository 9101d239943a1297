import short from './jest.config.mjs';

/** The long ones: `npm run test:faults`. */
export default { ...short, displayName: 'faults', testMatch: ['<rootDir>/faults/*.e2e.spec.ts'], testTimeout: 900_000 };
