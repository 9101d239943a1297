export { sign, type Signed } from './sign.ts';
export { newSecret, parseSecret } from './secret.ts';
