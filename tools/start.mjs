// npm start
import { enter } from './bootstrap/enter.mjs';

enter(() => import('./launcher/npm-start.mjs').then(({ npmStart }) => npmStart));
