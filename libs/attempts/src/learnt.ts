import type { CircuitState, EndpointsLearnt } from '@spillway/contracts';
import type { Circuit } from '@spillway/delivery';
import { answerTo, type Broker } from '@spillway/jetstream';
import { readAskLearnt, shardOf, subject } from '@spillway/topology';
import type { Gate } from './gate.ts';

const states: Record<Circuit['is'], CircuitState> = { closed: 'closed', open: 'open', probing: 'half_open', closing: 'half_open' };

/** A page of endpoints, as the console shows them. */
const ASKED_MAX = 1_000;

export type LearntOptions = { app: string; gate: Pick<Gate, 'known'>; /** Those that this process works now. */ shards: () => readonly number[] };

/** Tells who asks what this process has learnt of endpoints, of those shards that are its own. @returns how to stop */
export const tellLearnt = (broker: Broker, { app, gate, shards }: LearntOptions): (() => void) =>
  answerTo(broker, subject.askLearnt('*'), (asked, question): EndpointsLearnt | undefined => {
    const shard = readAskLearnt(asked);
    if (shard === undefined || !shards().includes(shard) || !Array.isArray(question)) return undefined;
    const ids = question.slice(0, ASKED_MAX).filter((id): id is string => typeof id === 'string' && shardOf(id) === shard);
    return Object.fromEntries(
      ids.flatMap((id) => {
        const line = gate.known(id);
        return line ? [[id, { app, circuit: states[line.circuit.is], ...(line.lastFailure && { lastFailure: line.lastFailure }) }]] : [];
      }),
    );
  });
