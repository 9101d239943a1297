import { BadRequestException, HttpException, NotFoundException } from '@nestjs/common';
import { asProblem } from './as-problem.ts';
import { ProblemError } from './problem-error.ts';

it('keeps what was meant as a problem', () => {
  const meant = new ProblemError(429, 'tenant_quota', 'used up', { quota: 'messages', status: 200 }, { 'retry-after': '1' });
  expect(asProblem(meant)).toBe(meant);
  expect(meant.problem).toEqual({ type: 'about:blank', title: 'Too Many Requests', status: 429, code: 'tenant_quota', detail: 'used up', quota: 'messages' });
});

it.each([
  [new NotFoundException('no such endpoint'), 404, 'not_found', 'no such endpoint'],
  [new BadRequestException('odd'), 400, 'bad_request', 'odd'],
  [new HttpException('come later', 503), 503, 'unavailable', 'come later'],
  [new HttpException('teapot', 418), 418, 'bad_request', 'teapot'],
  [new HttpException('x', 415, { cause: { code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE' } }), 415, 'unsupported_media_type', 'x'],
  [Object.assign(new Error('cut short'), { statusCode: 400, code: 'FST_ERR_CTP_INVALID_CONTENT_LENGTH' }), 400, 'incomplete_body', 'cut short'],
])('%s', (error, status, code, detail) => {
  expect(asProblem(error)).toMatchObject({ status, code, detail });
});

it.each([[new Error('password hunter2')], [new HttpException('hunter2', 200)], ['hunter2'], [null], [undefined], [{ statusCode: 502, message: 'hunter2' }], [{ statusCode: '400' }]])(
  'says nothing about what was not foreseen: %s',
  (error) => {
    const { problem } = asProblem(error);
    expect(problem).toMatchObject({ status: 500, code: 'internal', instance: expect.stringMatching(/^urn:uuid:[\da-f-]{36}$/) });
    expect(JSON.stringify(problem)).not.toContain('hunter2');
  },
);
