import preset from '../jest.preset.mjs';
import short from './jest.config.mjs';

/** The long ones: `npm run test:faults`. */
export default { ...short, displayName: 'faults', setupFiles: preset.setupFiles, testMatch: ['<rootDir>/faults/*.e2e.spec.ts'], testTimeout: 900_000 };
