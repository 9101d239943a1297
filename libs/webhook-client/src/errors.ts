/** What our own side cannot do. What a receiver does wrong is never one of these: that is an outcome. */
export class WebhookClientError extends Error {
  constructor(
    readonly code: string,
    message: string,
    /** One sentence: what an operator does about it. */
    readonly remediation: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** `post` after `close`. */
export class ClientClosed extends WebhookClientError {
  constructor() {
    super('SPILLWAY_CLIENT_CLOSED', 'the webhook client is closed: nothing was sent', 'The process is shutting down; another one makes the attempt.');
  }
}

/** Nothing was sent, and the receiver has no part in it. */
export class OutOfSockets extends WebhookClientError {
  constructor(options: ErrorOptions) {
    super('SPILLWAY_OUT_OF_SOCKETS', 'no more sockets to be had from the system: nothing was sent', 'Raise the limit of open files (ulimit -n), or lower the attempts at once.', options);
  }
}

/** Headers that would change what the message is, or that HTTP cannot carry. `checkHeaders` tells them before they are stored. */
export class ForbiddenHeader extends WebhookClientError {
  constructor(what: string, options?: ErrorOptions) {
    super('SPILLWAY_FORBIDDEN_HEADER', `a request with such a header is not sent: ${what}`, 'Mend the headers in the endpoint’s record; the API refuses such ones.', options);
  }
}

/** A fault in this library: the outcome of the attempt is unknown. */
export class AttemptBroken extends WebhookClientError {
  constructor(options: ErrorOptions) {
    super('SPILLWAY_ATTEMPT_BROKEN', 'an attempt ended in a way nobody thought of', 'Report it with the cause; the attempt is made again.', options);
  }
}
