import { PlaneConfig } from '@spillway/jetstream';
import { FromEnv } from '@spillway/service-kit';
import { IsBoolean, IsInt, IsNumber, IsOptional, IsString, Length, Max, Min } from 'class-validator';

const KIB = 1024;
const MIB = 2 ** 20;

export class IngestConfig extends PlaneConfig {
  @FromEnv('SPILLWAY_ADMIN_KEY', { secret: true, doc: 'The first key: may do everything, is stored nowhere. Without it only keys that were made before open anything.' })
  @IsOptional()
  @IsString()
  adminKey?: string;

  @FromEnv('NATS_MONITOR_URL', { default: 'http://127.0.0.1:8091', doc: 'The broker’s monitoring port, several by comma: asked at start whether the broker syncs to disk before it acknowledges.' })
  @IsString()
  @Length(1, 2_000)
  natsMonitorUrl!: string;

  @FromEnv('SPILLWAY_ALLOW_UNSYNCED', { default: false, doc: 'Start although the broker acknowledges before it syncs: a power cut then loses accepted events.' })
  @IsBoolean()
  allowUnsynced!: boolean;

  // the broker's own limit of a message is 1 MiB (`max_payload`), headers included
  @FromEnv('SPILLWAY_MAX_EVENT_BYTES', { default: 256 * KIB, doc: 'The largest request body of one event, in bytes, with its envelope.' })
  @IsInt()
  @Min(KIB)
  @Max(768 * KIB)
  maxEventBytes!: number;

  @FromEnv('SPILLWAY_ACCEPT_DEADLINE_MS', { default: 5_000, doc: 'An event that is not on disk by then is answered with 503.' })
  @IsInt()
  @Min(200)
  @Max(60_000)
  acceptDeadlineMs!: number;

  @FromEnv('SPILLWAY_MAX_REQUESTS_IN_FLIGHT', { default: 4_096, doc: 'Requests being read or answered at once; what is over it is answered with 503 `ingest_full`.' })
  @IsInt()
  @Min(1)
  @Max(100_000)
  maxRequestsInFlight!: number;

  // a batch counts with each of its events: 160 batches of 100. At 1.5 KB beside its bytes an event, 24 MB
  @FromEnv('SPILLWAY_MAX_EVENTS_IN_FLIGHT', { default: 16_384, doc: 'Events of these requests, which may be batches; what is over it is answered with 503 `ingest_full`. One tenant gets half.' })
  @IsInt()
  @Min(2_000)
  @Max(1_000_000)
  maxEventsInFlight!: number;

  // chunked requests count with the largest body: 512 of them at once by default
  @FromEnv('SPILLWAY_MAX_BYTES_IN_FLIGHT', { default: 128 * MIB, doc: 'Bytes of their bodies, likewise. At its highest ingest holds about twice as much: what came and what goes to the broker.' })
  @IsInt()
  @Min(MIB)
  @Max(16 * 1024 * MIB)
  maxBytesInFlight!: number;

  @FromEnv('SPILLWAY_MAX_CONNECTIONS', { default: 10_000, doc: 'Connections at once, busy or not; what comes beyond is answered with 503 `too_many_connections` and closed, unless it asks for `/healthz` or `/readyz`. Each is a file descriptor (`ulimit -n`).' })
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  maxConnections!: number;

  // a body of the largest size at 9 KB/s arrives in time
  @FromEnv('SPILLWAY_REQUEST_TIMEOUT_MS', { default: 30_000, doc: 'A request that has not arrived whole by then is answered with 408, its headers after 20 s at the latest, and its connection is closed.' })
  @IsInt()
  @Min(500)
  @Max(600_000)
  requestTimeoutMs!: number;

  @FromEnv('SPILLWAY_KEEP_ALIVE_MS', { default: 65_000, doc: 'An idle connection is closed after so long: longer than the balancer in front keeps its own (60 s, most of them), or it sends to a connection that is being closed.' })
  @IsInt()
  @Min(500)
  @Max(3_600_000)
  keepAliveMs!: number;

  // as many as come in half a minute at 2,000 a second, each with a key of its producer's
  @FromEnv('SPILLWAY_DOOR_IDS', { default: 65_536, doc: 'How many of the events stored lately an ingest remembers, if their producers named them (40 bytes each): their repeats within two minutes are counted and answered without being stored. 0: none, all repeats are left to dedupe.' })
  @IsInt()
  @Min(0)
  @Max(10_000_000)
  doorIds!: number;

  @FromEnv('SPILLWAY_TENANT_SHARE', { default: 0.5, doc: 'Of the bytes of WEBHOOK_INGEST, from 0 to 1: what one tenant’s waiting events may take of them, over all lanes. Its own setting `share` wins.' })
  @IsNumber()
  @Min(0.001)
  @Max(1)
  tenantShare!: number;

  @FromEnv('SPILLWAY_CROWDED_EVENTS', {
    default: 250,
    doc: 'From so many events before dedupe on (in events of 1 KiB) a tenant without a rate that sends four times as much as the others takes the lane `bulk`, until nobody waits behind it; so does one that is refused for its share. 0: never.',
  })
  @IsInt()
  @Min(0)
  @Max(10_000_000)
  crowdedEvents!: number;

  @FromEnv('SPILLWAY_NICE', {
    default: 10,
    doc: 'How far ingest stands back when the processors are fully used, as `nice` counts it: what is accepted is worked before more of it is taken. 0: not at all, for a machine on which others would starve it. Between containers that have their own share of the processors it changes nothing.',
  })
  @IsInt()
  @Min(0)
  @Max(19)
  nice!: number;
}
