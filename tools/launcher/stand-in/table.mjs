/** Apps of ten lines, for the tests of the launcher. @type {import('../apps.mjs').AppRow[]} */
export const standIns = [
  { name: 'ingest', portOffset: 0, secrets: ['SPILLWAY_ADMIN_KEY'], asksBroker: true, main: 'tools/launcher/stand-in/app.mjs' },
  { name: 'dispatcher', portOffset: 5, secrets: ['SPILLWAY_MASTER_KEY'], main: 'tools/launcher/stand-in/app.mjs' },
];
