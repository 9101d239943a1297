import { isIP, connect as connectTcp, type Socket, type TcpNetConnectOpts } from 'node:net';
import { checkServerIdentity, connect as connectTls, type SecureContext } from 'node:tls';
import { connectFailed, DialFailed, handshakeFailed, lookupFailed } from './dial-failures.ts';
import { isLocalhost } from './local-names.ts';
import type { Lookup } from './system-lookup.ts';
import type { Target } from './target.ts';
import { loopbackOf, refusedAddress, type UrlRules } from './url-rules.ts';

export type Dialling = {
  readonly rules: UrlRules;
  readonly lookup: Lookup;
  readonly secureContext: SecureContext;
  /** Only for the test that trips the check of the other end. */
  readonly connect?: (options: TcpNetConnectOpts) => Socket;
};

export type Dialled = (error: Error | null, socket: Socket | null) => void;

/** All are judged, and no more than these are tried: each takes 250 ms of the attempt when it is silent. */
const MAX_ADDRESSES_DIALLED = 6;
const NEXT_ADDRESS_AFTER_MS = 250;

const blocked = (why: string): DialFailed => new DialFailed('ssrf_blocked', why);

/**
 * One connection to one target: name, addresses, TCP, TLS, in this order, so that what was judged is what is dialled. The name is resolved once and its
 * addresses are pinned (asking again would let the second answer differ), a single bad one among them refuses all (a name with a public and a private
 * address is a trick or a mistake), and the other end is looked at again before the first byte is written.
 */
export class Dial {
  /** Where it stands, for the detail of a timeout. */
  doing = 'resolving the name';
  private socket: Socket | undefined;
  private ended = false;

  constructor(
    private readonly target: Target,
    private readonly dialling: Dialling,
    private readonly done: Dialled,
  ) {}

  start(): void {
    const { literal, host } = this.target;
    if (literal) return this.dial([host]); // a look-up is not even called for an address: it has to be judged here
    if (isLocalhost(host)) return this.dial(loopbackOf(this.dialling.rules));
    this.dialling.lookup(host).then(
      (addresses) => this.dial(addresses),
      (error: unknown) => this.fail(lookupFailed(error)),
    );
  }

  /** Nobody waits for it any more. `done` is not called. */
  abort(): void {
    this.ended = true;
    this.socket?.destroy();
  }

  private dial(addresses: readonly string[]): void {
    if (this.ended) return;
    if (addresses.length === 0) return this.fail(new DialFailed('dns_error', 'the name has no address'));
    for (const address of addresses) {
      const why = refusedAddress(address, this.target, this.dialling.rules);
      if (why !== undefined) return this.fail(blocked(why));
    }
    this.doing = 'connecting';
    const socket = (this.dialling.connect ?? connectTcp)(pinned(this.target, addresses.slice(0, MAX_ADDRESSES_DIALLED)));
    this.socket = socket;
    socket.setNoDelay(true).once('connect', () => this.connected(socket));
    // stays for good: a socket that we destroy may still have an error to tell, and nobody else would listen
    socket.on('error', (error) => this.fail(this.doing === 'connecting' ? connectFailed(error) : handshakeFailed(error)));
  }

  private connected(socket: Socket): void {
    const { remoteAddress } = socket;
    // it is gone already, so there is nobody to judge: not `ssrf_blocked`, which is for ever
    if (remoteAddress === undefined) return this.fail(connectFailed({ code: 'ECONNRESET' }));
    const why = refusedAddress(remoteAddress, this.target, this.dialling.rules);
    if (why !== undefined) return this.fail(blocked(why));
    if (!this.target.secure) return this.succeed(socket);
    this.doing = 'in the TLS handshake';
    const secured = connectTls({
      socket,
      secureContext: this.dialling.secureContext,
      servername: this.target.literal ? '' : this.target.host, // RFC 6066, 3: no addresses in it
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: true, // said here, NODE_TLS_REJECT_UNAUTHORIZED cannot unsay it
      checkServerIdentity: (_, certificate) => checkServerIdentity(this.target.host, certificate),
    });
    this.socket = secured;
    // sessions are not resumed: a resumed one is not checked for its host again, and lives on when the certificate has expired
    secured.once('secureConnect', () => this.succeed(secured));
    secured.on('error', (error) => this.fail(handshakeFailed(error)));
  }

  private succeed(socket: Socket): void {
    if (this.ended) return;
    this.ended = true;
    this.done(null, socket);
  }

  private fail(error: Error): void {
    if (this.ended) return;
    this.ended = true;
    this.socket?.destroy();
    this.done(error, null);
  }
}

/** A single address is dialled as such; several go to Node's own racing of addresses, which asks this look-up and no other. */
const pinned = (target: Target, addresses: readonly string[]): TcpNetConnectOpts => {
  const { port } = target;
  if (addresses.length === 1) return { host: addresses[0]!, port };
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  return {
    host: target.host,
    port,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER_MS,
    lookup: (_hostname, _options, callback) => callback(null, all),
  };
};
