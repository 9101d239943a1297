import { newSecret, parseSecret } from '@spillway/standard-webhooks';
import { checkHeaders, judgeUrl, type UrlRules } from '@spillway/webhook-client';
import { forbiddenUrl, invalid } from '../problems.ts';

/** What can be judged without asking a name server; where a name leads is judged at every attempt. @throws ProblemError 422 `forbidden_url` */
export const permittedUrl = (url: string, rules: UrlRules): string => {
  const judged = judgeUrl(url, rules);
  if ('refused' in judged) throw forbiddenUrl(judged.refused);
  return url;
};

/** @throws ProblemError 422 */
export const permittedHeaders = (headers: Record<string, string>): Record<string, string> => {
  const faults = checkHeaders(headers);
  if (faults.length > 0) throw invalid([{ field: 'headers', wanted: 'headers that HTTP allows and we do not set ourselves' }], `headers: ${faults.join('; ')}`);
  return headers;
};

/** The customer's own, or a new one. @throws ProblemError 422 that never shows what was given */
export const permittedSecret = (given: string | undefined): string => {
  if (given === undefined) return newSecret();
  try {
    parseSecret(given);
    return given;
  } catch (error) {
    if (error instanceof RangeError) throw invalid([{ field: 'secret', wanted: 'whsec_ and the base64 of 24 to 64 bytes' }], `secret: ${error.message}`);
    throw error;
  }
};
