export { startBroker, type BrokerOptions, type TestBroker } from './broker.ts';
export { eventually } from './eventually.ts';
export { findNatsServer, NatsServerMissing, type NatsServerBinary } from './nats-server-binary.ts';
export { startReceiver, type Answer, type Received, type Receiver, type ReceiverHandler, type ReceiverOptions } from './receiver.ts';
