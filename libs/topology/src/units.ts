/** 2 ** 30, not 1 << 30: `8 << 30` is 0 in JavaScript. */
export const MIB = 2 ** 20;
export const GIB = 2 ** 30;
/** The server's API counts durations in nanoseconds. */
export const nanosOfSeconds = (seconds: number): number => seconds * 1_000_000_000;
