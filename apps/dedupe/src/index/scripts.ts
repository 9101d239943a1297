/** Only if what stands there is still what was judged: somebody younger may have come in between. Answers what stands there now, or nil when it is ours. */
export const REPLACE = `local found = redis.call('GET', KEYS[1])
if found and found ~= ARGV[1] then return found end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return false`;

/** Only our own mark, known by the message that it names. */
export const GIVE_UP = `local found = redis.call('GET', KEYS[1])
if found and string.sub(found, 1, #ARGV[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`;
