// npm run demo
import { enter } from './bootstrap/enter.mjs';

void enter(() => import('./demo/npm-demo.mjs').then(({ npmDemo }) => npmDemo));
