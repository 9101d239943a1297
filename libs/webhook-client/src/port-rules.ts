/** Ports above 1023 on which something else than HTTP listens: the Fetch standard's "bad ports" (those below are out anyway). */
const badPorts: ReadonlySet<number> = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10_080,
]);

/** 80, 443 and above 1023, less the bad ones: a webhook must not be a way to talk to a mail server or an SSH daemon. */
export const isAllowedPort = (port: number): boolean => port === 80 || port === 443 || (port > 1_023 && port <= 65_535 && !badPorts.has(port));
