// `npm test` runs other projects at the same time, and the processors are theirs, too: an ingest that stands back as it does by default would be starved by their tests.
process.env.SPILLWAY_NICE ??= '0';
