import type { HttpOptions } from '@spillway/service-kit';
import type { IngestConfig } from '../ingest.config.ts';

/** A head has no reason to take as long as a body. */
const HEADERS_TIMEOUT_MAX_MS = 20_000;
/** Timeouts are looked at that often: each is late by a sixth at most. */
const LOOKS_PER_TIMEOUT = 6;

type Limits = Pick<IngestConfig, 'maxConnections' | 'requestTimeoutMs' | 'keepAliveMs' | 'acceptDeadlineMs'>;

/** How long a stranger may take: over a head, over a whole request, between two of them, and over reading the answer. None of the clocks is set back by a byte that drips. */
export const slowClientLimits = ({ maxConnections, requestTimeoutMs, keepAliveMs, acceptDeadlineMs }: Limits) =>
  ({
    maxConnections,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    // no byte went either way for as long as a request and its answer take together: the client does not read
    connectionTimeout: requestTimeoutMs + acceptDeadlineMs,
    http: {
      headersTimeout: Math.min(requestTimeoutMs, HEADERS_TIMEOUT_MAX_MS),
      connectionsCheckingInterval: Math.ceil(requestTimeoutMs / LOOKS_PER_TIMEOUT),
    },
  }) satisfies HttpOptions;
