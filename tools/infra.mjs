// npm run infra
import { enter } from './bootstrap/enter.mjs';

void enter(() => import('./launcher/npm-run-infra.mjs').then(({ npmRunInfra }) => npmRunInfra));
