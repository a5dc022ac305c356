/** What one event costs, with few keys and with many: from its bytes to the new entry in the catalog. */

import { Buffer } from "node:buffer";
import { getLogger } from "@logtape/logtape";
import type { IEvent } from "etcd3";
import { EtcdMirror } from "../../src/config/etcd_mirror.ts";
import { KeySpace } from "../../src/config/etcd_keys.ts";
import { ConfigManager } from "../../src/config/manager.ts";
import { CLOSED_LEASE } from "../../src/delivery/output_pool.ts";
import { outputModules } from "../../src/modules/registry.ts";
import { nameOf, prefixOf, valueOf } from "./etcd_data.ts";
import { judge, median, print, progress, row } from "./etcd_report.ts";

const FEW_KEYS = 25;
const TARGET = 1.2;
const BATCHES = 400;
const EVENTS_IN_A_BATCH = 50;

/** A configuration that events can be applied to. */
class Subject {
  readonly #mirror: EtcdMirror;
  readonly #prefix: string;
  #revision = 0;

  constructor(readonly keys: number) {
    const lease = CLOSED_LEASE;
    const manager = new ConfigManager({
      outputs: { acquire: () => lease },
      compile: { environment: {}, modules: outputModules },
      logger: getLogger("bench"),
    });
    this.#prefix = prefixOf(keys);
    this.#mirror = new EtcdMirror({ sink: manager, keySpace: new KeySpace(this.#prefix), keepTexts: false });
    for (let index = 0; index < keys; index++) this.#apply(this.#event(index));
  }

  /** Applies events one by one, each in a revision of its own, and returns what one took, in microseconds. */
  measureBatch(): number {
    const events = Array.from({ length: EVENTS_IN_A_BATCH }, () => {
      return this.#event(Math.floor(Math.random() * this.keys));
    });
    const begun = performance.now();
    for (const event of events) this.#apply(event);
    return (performance.now() - begun) * 1000 / EVENTS_IN_A_BATCH;
  }

  #apply(event: IEvent): void {
    this.#mirror.applyRevision(Number(event.kv.mod_revision), [event]);
  }

  #event(index: number): IEvent {
    const revision = String(++this.#revision);
    const kv = {
      key: Buffer.from(this.#prefix + nameOf(index)),
      value: Buffer.from(valueOf(index, this.#revision)),
      create_revision: revision,
      mod_revision: revision,
      version: "1",
      lease: "0",
    };
    return { type: "Put", kv, prev_kv: kv };
  }
}

export function benchEvent(keys: number): void {
  progress(`one event: ${keys} keys`);
  const few = new Subject(FEW_KEYS);
  const many = new Subject(keys);
  const timesOfFew: number[] = [];
  const timesOfMany: number[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    timesOfFew.push(few.measureBatch());
    timesOfMany.push(many.measureBatch());
  }
  print(`one event, from its bytes to the catalog: medians of ${BATCHES} times ${EVENTS_IN_A_BATCH} events`);
  print("");
  print(row("", ["µs"]));
  for (const [subject, times] of [[few, timesOfFew], [many, timesOfMany]] as const) {
    print(row(`${subject.keys.toLocaleString("en")} keys`, [median(times).toFixed(1)]));
  }
  print("");
  print(`many keys against few: ${judge(median(timesOfMany) / median(timesOfFew), TARGET)}`);
}
