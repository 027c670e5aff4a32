import { AckPolicy, DeliverPolicy, DiscardPolicy, jetstream, JetStreamApiError, jetstreamManager, RetentionPolicy, StorageType, type ConsumerInfo, type ConsumerMessages, type JetStreamManager, type JsMsg } from '@nats-io/jetstream';
import { headers, nanos } from '@nats-io/nats-core';
import { Inject, Injectable } from '@nestjs/common';
import { Broker, CONFIG, Problem } from '@vitae/service-kit';
import type { MonitoringConfig } from '../config.ts';
import { NAMES, readMessage, type InferenceAttributes, type InferenceMessage } from './cloud-event.ts';

/** The JetStream stream that carries requests and responses of models: much traffic, kept for a day, never in the ledger. */
export const INFERENCE_STREAM = 'VITAE_INFERENCE';

/** What the stream is at the moment. */
export interface StreamState {
  /** Names this incarnation: a stream that is made anew has another one, and sequences from 1. */
  readonly incarnation: string;
  /** Sequence of the last message; 0 when there is none. */
  readonly last: number;
}

/** A message of the stream, or the place of one that monitoring did not write. */
export type Delivered = { readonly sequence: number; readonly message: InferenceMessage | undefined };

/** Reads one incarnation of the stream in order, each message once as long as nothing breaks: a reader MUST look for gaps. */
export interface Reader {
  readonly state: StreamState;
  /** Messages that were not delivered yet, as of the last delivery. */
  readonly pending: number;
  /** What there is, as soon as there is something, at most 200 messages; [] after some silence or `close`. Rejects when the stream is gone. */
  next(): Promise<readonly Delivered[]>;
  close(): Promise<void>;
}

const STREAM_NOT_FOUND = 10059;
/** Messages asked for at a time: the most that are held here, and the most that one transaction counts. */
const PULL = 200;
/** How long the server keeps such a request open, in milliseconds. */
const SILENCE_MS = 2_000;

@Injectable()
export class InferenceStream {
  constructor(
    private readonly broker: Broker,
    @Inject(CONFIG) private readonly config: MonitoringConfig,
  ) {}

  /** Makes the stream if it is missing. One that is there stays as its operator made it. */
  async ensure(): Promise<StreamState> {
    const manager = await this.#manager();
    const info = await manager.streams.info(INFERENCE_STREAM).catch((error: unknown) => {
      if (error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND) return this.#make(manager);
      throw error;
    });
    return { incarnation: info.created, last: info.state.last_seq };
  }

  /**
   * Stores one half of an inference: resolves once JetStream has it. The same half again within two minutes is stored once.
   * @param header gives a `ce-` header of the event by its bare name.
   * @throws Problem 413 inference-too-large, 503 inference-stream-unavailable
   */
  async publish({ projectId, endpointId, variantId, ceId, ceType }: InferenceAttributes, header: (name: string) => string | undefined, body: Uint8Array): Promise<void> {
    const limit = this.broker.nats.info?.max_payload ?? Infinity;
    if (body.byteLength + HEADER_ROOM > limit) {
      throw new Problem(413, 'inference-too-large', 'The inference is too large', `The body has ${body.byteLength} bytes and the broker takes ${limit - HEADER_ROOM}. Send fewer rows in one request, or raise max_payload of NATS.`);
    }
    const hdrs = headers();
    for (const name of NAMES) {
      const value = header(name);
      if (value !== undefined) hdrs.set(`ce-${name}`, value);
    }
    const subject = `vitae.inference.${projectId}.${endpointId}`;
    const store = () => jetstream(this.broker.nats).publish(subject, body, { headers: hdrs, msgID: `${projectId}:${variantId}:${ceId}:${ceType}`, timeout: 5_000 });
    try {
      await store().catch(async () => {
        await this.ensure(); // nobody took it: the stream may have vanished with its store
        return store();
      });
    } catch (cause) {
      throw new Problem(503, 'inference-stream-unavailable', 'The inference cannot be stored', `JetStream did not take the inference: ${(cause as Error).message}. Nothing was stored; send it again.`, { headers: { 'Retry-After': '1' }, cause });
    }
  }

  /** Begins to read after `from`. Keeps no position in the broker: the caller knows how far it is. */
  async read(state: StreamState, from: number): Promise<Reader> {
    const manager = await this.#manager();
    const consumer = await manager.consumers.add(INFERENCE_STREAM, {
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: from + 1,
      inactive_threshold: nanos(60_000),
      mem_storage: true,
    });
    const now = await this.ensure();
    if (now.incarnation !== state.incarnation) throw new Error('the inference stream was made anew while it was opened');
    return this.#reader(manager, state, consumer);
  }

  #reader(manager: JetStreamManager, state: StreamState, { name, num_pending }: ConsumerInfo): Reader {
    const consumer = jetstream(this.broker.nats, { checkAPI: false }).consumers.get(INFERENCE_STREAM, name);
    let pending = num_pending;
    // One request for messages stays open over several batches: what the server sends to a request that was given up is gone.
    let pulled: ConsumerMessages | undefined;
    let queue: AsyncIterator<JsMsg> | undefined;
    let closed = false;
    const pull = async (): Promise<AsyncIterator<JsMsg>> => {
      pulled = await (await consumer).fetch({ max_messages: PULL, expires: SILENCE_MS });
      if (closed) pulled.stop();
      return pulled[Symbol.asyncIterator]();
    };
    return {
      state,
      get pending() {
        return pending;
      },
      async next() {
        const batch: Delivered[] = [];
        queue ??= await pull();
        for (;;) {
          const { done, value } = await queue.next();
          if (done) {
            queue = undefined;
            break;
          }
          batch.push(delivered(value));
          pending = value.info.pending;
          if (pending === 0) break; // what is there is here: more is not waited for
        }
        if (batch.length === 0 && !closed) pending = (await manager.consumers.info(INFERENCE_STREAM, name)).num_pending;
        return batch;
      },
      async close() {
        closed = true;
        pulled?.stop(); // not `close`: that waits until somebody has read to the end
        await manager.consumers.delete(INFERENCE_STREAM, name).catch(() => undefined); // the server would forget it by itself
      },
    };
  }

  async #make(manager: JetStreamManager) {
    return manager.streams.add({
      name: INFERENCE_STREAM,
      subjects: ['vitae.inference.>'],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      max_age: nanos(this.config.VITAE_INFERENCE_MAX_AGE_HOURS * 3_600_000),
      max_bytes: this.config.VITAE_INFERENCE_MAX_BYTES,
      duplicate_window: nanos(120_000),
    });
  }

  #manager(): Promise<JetStreamManager> {
    return jetstreamManager(this.broker.nats, { checkAPI: false });
  }
}

function delivered({ seq, headers: hdrs, data, info }: JsMsg): Delivered {
  const header = (name: string): string | undefined => hdrs?.get(`ce-${name}`) || undefined;
  return { sequence: seq, message: readMessage(seq, Math.floor(info.timestampNanos / 1e6), header, new TextDecoder().decode(data)) };
}

/** What headers may add to a message, in bytes. */
const HEADER_ROOM = 8_192;
