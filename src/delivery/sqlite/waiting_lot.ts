import { GatewayError } from "../../errors.ts";
import type { Appended, Settlement } from "../journal.ts";
import type {
  AppendFields,
  Lot,
  LotReply,
  Operation,
  OperationKind,
  Refusal,
  ReplyOf,
  RequestOf,
} from "./protocol.ts";

/** When a sender may try again that was refused for the storage's sake, in seconds. */
const RETRY_AFTER_SECONDS = 5;

interface Waiter<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** The operations that wait for one commit, and whoever waits for them. */
export class WaitingLot {
  readonly #settlements: Settlement[] = [];
  readonly #delivered: number[] = [];
  readonly #appends: AppendFields[number][] = [];
  readonly #operations: Operation[] = [];
  readonly #appendWaiters: Waiter<Appended>[] = [];
  readonly #operationWaiters: Waiter<unknown>[] = [];
  #settled: PromiseWithResolvers<void> | undefined;
  /** Appends and other operations. */
  count = 0;

  /** What the worker is told. */
  get lot(): Lot {
    return {
      settlements: this.#settlements,
      delivered: this.#delivered,
      appends: this.#appends,
      operations: this.#operations,
    };
  }

  append(fields: AppendFields): Promise<Appended> {
    this.count++;
    this.#appends.push(...fields);
    return new Promise((resolve, reject) => this.#appendWaiters.push({ resolve, reject }));
  }

  /** All settlements of a lot share one promise: they come through, or fail, together. */
  settle(settlement: Settlement): Promise<void> {
    this.count++;
    if (settlement.state === "delivered") this.#delivered.push(settlement.sequence);
    else this.#settlements.push(settlement);
    this.#settled ??= Promise.withResolvers();
    return this.#settled.promise;
  }

  operate<Kind extends OperationKind>(kind: Kind, request: RequestOf<Kind>): Promise<ReplyOf<Kind>> {
    this.count++;
    this.#operations.push({ kind, request } as Operation);
    return new Promise<ReplyOf<Kind>>((resolve, reject) => {
      this.#operationWaiters.push({ resolve: resolve as Waiter<unknown>["resolve"], reject });
    });
  }

  /** Tells everybody what became of their operations. */
  conclude(reply: LotReply): void {
    if (reply.refused !== undefined) return this.fail(toError(reply.refused));
    this.#settled?.resolve();
    this.#concludeAppends(reply);
    const refused = new Set(reply.refusedOperations);
    for (const [index, waiter] of this.#operationWaiters.entries()) {
      if (refused.has(index)) waiter.reject(toError(reply.growthRefused));
      else waiter.resolve(reply.results[index]);
    }
  }

  /** Tells everybody that nothing was done. */
  fail(error: Error): void {
    this.#settled?.reject(error);
    for (const { reject } of this.#appendWaiters) reject(error);
    for (const { reject } of this.#operationWaiters) reject(error);
  }

  #concludeAppends({ growthRefused, firstSequence, duplicates }: LotReply): void {
    if (growthRefused !== undefined) {
      const error = toError(growthRefused);
      for (const { reject } of this.#appendWaiters) reject(error);
      return;
    }
    let sequence = firstSequence;
    let nextDuplicate = 0;
    for (const [index, { resolve }] of this.#appendWaiters.entries()) {
      const duplicate = duplicates[nextDuplicate];
      if (duplicate?.[0] === index) {
        nextDuplicate++;
        resolve({ duplicateOf: duplicate[1] });
      } else {
        resolve({ sequence: sequence++ });
      }
    }
  }
}

function toError(refusal: Refusal | undefined): GatewayError {
  const { code, message, reason } = refusal ?? { code: "internal_error", message: undefined, reason: "" };
  return new GatewayError(code, message, {
    cause: new Error(reason),
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}
