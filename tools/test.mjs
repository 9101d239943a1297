// npm test, and npm run test:faults
import { enter } from './bootstrap/enter.mjs';

void enter(() => import('./testing/npm-test.mjs').then(({ npmTest }) => npmTest));
