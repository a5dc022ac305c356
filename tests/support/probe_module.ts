import { z } from "zod";
import type { BodyForm } from "../../src/event/event.ts";
import type { Acceptance, Delivery, DeliveryResult, Output, OutputModule } from "../../src/modules/module.ts";

/** What an event looked like when it reached the output. */
export interface ProbedEvent {
  readonly id: string;
  readonly namespace: string;
  readonly webhook: string;
  readonly text: string;
  readonly bytes: Uint8Array;
  /** `module-config.label` of the entry that the request was delivered with. */
  readonly label: string;
  readonly connection: unknown;
}

type Behaviour = (
  delivery: Delivery<ProbeConfig>,
  signal: () => AbortSignal,
) => DeliveryResult | Promise<DeliveryResult>;

interface ProbeConfig {
  readonly label: string;
}

/**
 * An output module that keeps the events it is given and behaves as the test says, so that tests see what
 * the gateway does around any output.
 */
export class ProbeModule {
  readonly events: ProbedEvent[] = [];
  /** How many outputs are open. */
  open = 0;
  /** How many outputs have been opened so far. */
  opened = 0;
  behaviour: Behaviour = () => "delivered";
  /** What `probe` does. */
  probe: () => Promise<void> = () => Promise.resolve();
  /** How many deliveries each call of `deliver` was given. */
  readonly batches: number[] = [];
  readonly module: OutputModule<ProbeConfig, unknown>;

  constructor(
    options: {
      name?: string;
      connectionTypes?: string[];
      reads?: BodyForm;
      concurrency?: number;
      timeoutMs?: number;
      triesUntilTimeout?: boolean;
      partitioned?: boolean;
      acceptance?: Acceptance;
      maxBatch?: number;
      maxBatchBytes?: number;
      gathers?: number;
      batchKey?: (label: string) => string;
      ordered?: boolean;
      inspect?: (label: string) => Promise<readonly string[]>;
    } = {},
  ) {
    const { inspect, timeoutMs, batchKey } = options;
    this.module = {
      name: options.name ?? "probe",
      connectionTypes: options.connectionTypes ?? [],
      configSchema: z.strictObject({ label: z.string().default("") }),
      ...(options.connectionTypes === undefined
        ? {}
        : { connectionSchema: z.strictObject({ host: z.string() }) }),
      acceptance: options.acceptance ?? "delivered",
      reads: options.reads ?? "bytes",
      ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
      ...(options.partitioned === true ? { partition: ({ label }: ProbeConfig) => label } : {}),
      ...(options.maxBatch === undefined ? {} : { maxBatch: options.maxBatch }),
      ...(options.maxBatchBytes === undefined ? {} : { maxBatchBytes: options.maxBatchBytes }),
      ...(options.gathers === undefined ? {} : { gathers: options.gathers }),
      ...(batchKey === undefined ? {} : { batchKey: ({ label }: ProbeConfig) => batchKey(label) }),
      ...(options.ordered === undefined ? {} : { ordered: () => options.ordered! }),
      ...(inspect === undefined
        ? {}
        : { inspect: (_connection: unknown, { label }: ProbeConfig) => inspect(label) }),
      ...(timeoutMs === undefined ? {} : { timeoutMs: () => timeoutMs }),
      triesUntilTimeout: options.triesUntilTimeout ?? false,
      open: (connection) => Promise.resolve(this.#output(connection)),
    };
  }

  #output(connection: unknown): Output<ProbeConfig> {
    this.open++;
    this.opened++;
    return {
      deliver: (batch, attempt) => {
        this.batches.push(batch.length);
        const results = batch.map((delivery) => {
          this.#keep(delivery, connection);
          return this.behaviour(delivery, () => attempt.signal);
        });
        return results.some((result) => result instanceof Promise)
          ? Promise.all(results)
          : results as DeliveryResult[];
      },
      probe: () => this.probe(),
      [Symbol.asyncDispose]: () => {
        this.open--;
        return Promise.resolve();
      },
    };
  }

  #keep({ event, config }: Delivery<ProbeConfig>, connection: unknown): void {
    const { id, namespace, webhook, body } = event;
    this.events.push({
      id,
      namespace,
      webhook,
      text: body.text,
      bytes: body.bytes,
      label: config.label,
      connection,
    });
  }
}
