import preset from '../../jest.preset.mjs';
// not UTC, so that a time that is read or written as local time is seen
process.env.TZ = 'Asia/Tokyo';

export default { ...preset, rootDir: import.meta.dirname, displayName: 'delivery' };
