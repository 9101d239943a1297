import type { IncomingHttpHeaders } from 'node:http';
import type { BatchForm, SingleForm } from '../admission/body-form.ts';
import { readArray, readLines, type Batch } from './batch.ts';
import { readBinaryEvent } from './cloud-event-headers.ts';
import { judgeCloudEvent } from './cloud-event.ts';
import { judgeEvent, readEnvelope, type Envelope } from './envelope.ts';
import { readWhole } from './event-text.ts';
import { Slices } from './slices.ts';

/** @param keyTenant of the key: whose a CloudEvent is that names no tenant. @throws ProblemError 400, 422 */
export const readOne = (form: SingleForm, headers: IncomingHttpHeaders, body: Buffer, keyTenant: string | undefined): Envelope => {
  switch (form) {
    case 'event':
      return readEnvelope(body);
    case 'cloudevent':
      return readWhole(body, judgeCloudEvent(keyTenant));
    case 'cloudevent-binary':
      return readBinaryEvent(headers, body, keyTenant);
  }
};

/** A process has one event loop, whoever sends. */
const slices = new Slices();

/** @throws ProblemError 400, 413, 422 of the whole */
export const readMany = (form: BatchForm, body: Buffer, keyTenant: string | undefined, eventBytesMax: number): Promise<Batch<Envelope>> => {
  switch (form) {
    case 'array':
      return readArray(body, judgeEvent, eventBytesMax, slices);
    case 'lines':
      return readLines(body, judgeEvent, eventBytesMax, slices);
    case 'cloudevents':
      return readArray(body, judgeCloudEvent(keyTenant), eventBytesMax, slices);
  }
};
