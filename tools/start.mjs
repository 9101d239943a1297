// npm start
import { enter } from './bootstrap/enter.mjs';

void enter(() => import('./launcher/npm-start.mjs').then(({ npmStart }) => npmStart));
