// Who reads along may go away (a closed terminal, a killed npm): that must not end us in the middle of stopping our processes.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);

/** @param {string} text */
export const say = (text) => {
  console.log(text);
};
