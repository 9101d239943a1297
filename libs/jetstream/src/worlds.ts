/**
 * A stream's creation time tells one broker's world from another's: a second, empty broker behind the same address has streams of the same names.
 * Provisioning pins them; every app compares on connect.
 */
export type Worlds = {
  /** @throws Error when the stream is not known */
  created(stream: string): string;
};
