/**
 * Hands deliveries that senders wait for to one output in batches: what comes in one turn of the event loop goes
 * together, and so does what comes while as many batches are under way as the module wants. One that comes alone goes
 * at once, unless the module wants to wait for others.
 *
 * @module
 */

import { assertCount } from "../../errors.ts";
import type { Delivery, DeliveryResult } from "../../modules/module.ts";
import { NextTurn } from "../../time/next_turn.ts";
import type { Results } from "./attempt.ts";
import { Linger } from "./linger.ts";

/** An output as the gatherer sees it. */
export interface GatheringOutput {
  /** How many deliveries one batch may have. */
  readonly maxBatch: number;
  /** How many bytes of bodies one batch may have, besides one body of any size. */
  readonly maxBatchBytes: number;
  /** How long the first delivery waits for others, in milliseconds. @default 0 */
  readonly lingerMs?: number;
  /** How many batches may be under way at once. */
  readonly maxBatches: number;
  /** Takes one of the places for batches under way, if there is one. */
  tryTakePlace(): boolean;
  /**
   * Makes one attempt and gives the place back. One result per delivery, in order. Never rejects.
   *
   * @param settle takes single results early, and returns whether somebody waited for them
   */
  attempt(
    batch: readonly Delivery[],
    number: number,
    settle: (index: number, result: DeliveryResult) => boolean,
  ): Results | Promise<Results>;
}

/** A delivery that somebody waits for. */
export interface GatheredDelivery {
  readonly delivery: Delivery;
  /** Which attempt it is, from 1. */
  readonly number: number;
  /** Whether nobody waits for it any more. */
  readonly ended: boolean;
  /** Only the first result counts. */
  end(results: readonly [DeliveryResult]): void;
}

/** The deliveries with one key, in the order in which they came. */
type Queue = Set<GatheredDelivery>;

/** Gathers what is to go to one output. */
export class Gatherer {
  readonly #output: GatheringOutput;
  /** By the key of their batches, in the order of their turns. None is empty. */
  readonly #queues = new Map<string, Queue>();
  readonly #linger: Linger;
  readonly #nextPump = new NextTurn(() => this.pump());
  #waiting = 0;
  #underWay = 0;
  #pumping = false;

  constructor(output: GatheringOutput) {
    this.#output = output;
    this.#linger = new Linger(output.lingerMs ?? 0, () => this.pump());
  }

  /** Deliveries that are in no batch yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Takes a delivery in. Only those with equal keys go in one batch. */
  add(gathered: GatheredDelivery, key: string): void {
    let queue = this.#queues.get(key);
    if (queue === undefined) this.#queues.set(key, queue = new Set());
    queue.add(gathered);
    this.#waiting++;
    this.#linger.begin();
    this.#nextPump.ask();
  }

  /** Takes a delivery out that nobody waits for any more. Nothing happens when it is in a batch already. */
  remove(gathered: GatheredDelivery, key: string): void {
    const queue = this.#queues.get(key);
    if (queue?.delete(gathered) !== true) return;
    this.#waiting = assertCount(this.#waiting - 1, "deliveries that wait for a batch");
    if (queue.size === 0) this.#queues.delete(key);
    if (this.#waiting === 0) this.#linger.end();
  }

  /** Starts batches as long as there are deliveries and places. */
  pump(): void {
    // Results that come at once free places while a batch is being started.
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#mayStart() && this.#output.tryTakePlace()) this.#start(this.#takeBatch());
    this.#pumping = false;
  }

  #mayStart(): boolean {
    if (this.#waiting === 0 || this.#underWay >= this.#output.maxBatches) return false;
    return this.#waiting >= this.#output.maxBatch || this.#linger.isOver();
  }

  /** The oldest with the key whose turn it is. */
  #takeBatch(): readonly GatheredDelivery[] {
    const [[key, queue]] = this.#queues as Iterable<[string, Queue]> as [[string, Queue]];
    const { maxBatch, maxBatchBytes } = this.#output;
    const batch: GatheredDelivery[] = [];
    let bytes = 0;
    for (const gathered of queue) {
      bytes += gathered.delivery.event.body.length;
      if (batch.length > 0 && (batch.length === maxBatch || bytes > maxBatchBytes)) break;
      queue.delete(gathered);
      batch.push(gathered);
    }
    this.#waiting = assertCount(this.#waiting - batch.length, "deliveries that wait for a batch");
    // To the end of the line, or out of it.
    this.#queues.delete(key);
    if (queue.size > 0) this.#queues.set(key, queue);
    if (this.#waiting === 0) this.#linger.end();
    return batch;
  }

  #start(batch: readonly GatheredDelivery[]): void {
    let number = 1;
    for (const gathered of batch) if (gathered.number > number) number = gathered.number;
    this.#underWay++;
    const deliveries = batch.map(({ delivery }) => delivery);
    const results = this.#output.attempt(
      deliveries,
      number,
      (index, result) => settle(batch[index]!, result),
    );
    if (results instanceof Promise) results.then((ended) => this.#end(batch, ended));
    else this.#end(batch, results);
  }

  #end(batch: readonly GatheredDelivery[], results: Results): void {
    this.#underWay = assertCount(this.#underWay - 1, "batches for senders under way");
    // Before the senders go on, so that the output has work while they do.
    this.pump();
    for (const [index, gathered] of batch.entries()) gathered.end([results[index]!]);
  }
}

function settle(gathered: GatheredDelivery, result: DeliveryResult): boolean {
  if (gathered.ended) return false;
  gathered.end([result]);
  return true;
}
