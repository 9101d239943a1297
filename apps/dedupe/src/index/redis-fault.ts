import type { DedupeFault } from '@spillway/contracts';

/** What an error of Redis, or of the way to it, means to us, from the words it begins with. */
export const faultOf = (error: Error): DedupeFault => {
  const [word = ''] = error.message.split(' ');
  switch (word) {
    case 'OOM':
      return 'full';
    case 'READONLY':
      return 'read_only';
    default:
      // Redis' own refusals begin with a word in capitals (LOADING, NOAUTH, NOPERM, MISCONF, ERR …); all else is a connection's
      return /^[A-Z]{3,}$/.test(word) ? 'refused' : 'away';
  }
};

const REMEDIES: Record<DedupeFault, string> = {
  away: 'Check that the Redis of SPILLWAY_DEDUPE_REDIS_URL runs and can be reached; dedupe reconnects by itself.',
  slow: 'Look at its load and at the network between; SPILLWAY_DEDUPE_REDIS_TIMEOUT_MS is how long an event waits for it.',
  full: 'Give it more maxmemory, and set maxmemory-policy volatile-ttl: the marks that end first go first.',
  read_only: 'It is a replica: let SPILLWAY_DEDUPE_REDIS_URL name the primary.',
  refused: 'It wants Redis 7 or newer, a user that may SET, GET, DEL, EVAL and INFO, and the right password.',
};

/** One sentence: what an operator does about it. */
export const remedyOf = (fault: DedupeFault): string => REMEDIES[fault];
