import { mediaTypeFault } from './media-type.ts';

describe('mediaTypeFault', () => {
  it.each(['application/json', 'Application/JSON', 'application/json; charset=utf-8', 'application/json;charset="UTF-8"', 'application/json; charset=utf8'])('takes %s', (type) => {
    expect(mediaTypeFault({ 'content-type': type })).toBeUndefined();
  });

  it.each([undefined, '', 'text/plain', 'application/jsonp', 'application/json; charset=utf-16', 'application/json; charset=iso-8859-1', 'application/x-www-form-urlencoded'])(
    'refuses %s',
    (type) => {
      expect(mediaTypeFault({ 'content-type': type })).toMatch(/^wanted content-type: application\/json/);
    },
  );

  it('refuses a body that is packed', () => {
    expect(mediaTypeFault({ 'content-type': 'application/json', 'content-encoding': 'gzip' })).toMatch(/without content-encoding; seen: gzip/);
    expect(mediaTypeFault({ 'content-type': 'application/json', 'content-encoding': 'identity' })).toBeUndefined();
  });
});
