import { PlaneConfig } from '@spillway/jetstream';
import { FromEnv } from '@spillway/service-kit';
import { IsBoolean, IsString, Length } from 'class-validator';

/** What `provision` and `streams` are told: the broker as the user `provisioner`, beside the limits of the streams (docs/reference/topology.md). */
export class ProvisionerConfig extends PlaneConfig {
  @FromEnv('NATS_MONITOR_URL', { default: 'http://127.0.0.1:8091', doc: 'The broker’s monitoring port, several by comma: asked by `provision` whether the broker syncs to disk before it acknowledges.' })
  @IsString()
  @Length(1, 2_000)
  natsMonitorUrl!: string;

  @FromEnv('SPILLWAY_ALLOW_UNSYNCED', { default: false, doc: 'Provision a broker that acknowledges before it syncs: a power cut then loses accepted events.' })
  @IsBoolean()
  allowUnsynced!: boolean;
}
