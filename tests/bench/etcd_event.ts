/**
 * What one event costs, with few keys and with many: from its bytes to the new entry in the catalog.
 *
 * No step of it depends on the number of keys. The time grows all the same, since few keys stand in the
 * processor's caches and many do not, and it does so for whatever is looked up in a map. The floor tells how
 * much of the growth that is: a bare map of parsed values, by the whole key.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { getLogger } from "@logtape/logtape";
import { EtcdMirror } from "../../src/config/etcd/mirror/mirror.ts";
import { KeySpace } from "../../src/config/etcd/wire/key_space.ts";
import { ConfigManager } from "../../src/config/manager.ts";
import { CLOSED_LEASE } from "../../src/delivery/outputs/output_pool.ts";
import { outputModules } from "../../src/modules/registry.ts";
import type { WatchEvent } from "../../src/config/etcd/wire/watch_message.ts";
import { keyValue } from "../support/etcd/page.ts";
import { nameOf, prefixOf, valueOf } from "./etcd_data.ts";
import { judge, median, print, progress, row } from "./etcd_report.ts";

const FEW_KEYS = 25;
/** The gateway's growth against the floor's. */
const TARGET = 1.2;
const BATCHES = 400;
const EVENTS_IN_A_BATCH = 50;
const PREFIX = prefixOf(0);

/** An event as the gateway gets it, and the bytes that a bare client would have. */
interface BenchEvent extends WatchEvent {
  readonly key: Buffer;
  readonly value: Buffer;
}

type Apply = (event: BenchEvent) => void;

function floor(): Apply {
  const entries = new Map<string, unknown>();
  return ({ key, value }) => void entries.set(key.toString(), JSON.parse(value.toString()));
}

function gateway(): Apply {
  const manager = new ConfigManager({
    outputs: { acquire: () => CLOSED_LEASE },
    compile: { environment: {}, modules: outputModules },
    logger: getLogger("bench"),
  });
  const mirror = new EtcdMirror({ sink: manager, keySpace: new KeySpace(PREFIX), keepTexts: false });
  return (event) => void mirror.applyRevision(event.keyValue.revision, [event]);
}

const CONTESTANTS = { floor, gateway } as const;
type Contestant = keyof typeof CONTESTANTS;

/** A configuration that events can be applied to. */
class Subject {
  readonly times: number[] = [];
  readonly #apply: Apply;
  #revision = 0;

  constructor(readonly contestant: Contestant, readonly keys: number) {
    this.#apply = CONTESTANTS[contestant]();
    for (let index = 0; index < keys; index++) this.#apply(this.#event(index));
  }

  /** Applies events one by one, each in a revision of its own, and notes what one took, in microseconds. */
  measureBatch(): void {
    const events = Array.from({ length: EVENTS_IN_A_BATCH }, () => {
      return this.#event(Math.floor(Math.random() * this.keys));
    });
    const begun = performance.now();
    for (const event of events) this.#apply(event);
    this.times.push((performance.now() - begun) * 1000 / EVENTS_IN_A_BATCH);
  }

  #event(index: number): BenchEvent {
    const revision = ++this.#revision;
    const contents = { key: PREFIX + nameOf(index), value: valueOf(index, revision), revision };
    return {
      isDelete: false,
      keyValue: keyValue(contents),
      key: Buffer.from(contents.key),
      value: Buffer.from(contents.value),
    };
  }
}

export function benchEvent(sizes: readonly number[]): void {
  progress("one event");
  const subjects = (["floor", "gateway"] as const).flatMap((contestant) => {
    return [FEW_KEYS, ...sizes].map((keys) => new Subject(contestant, keys));
  });
  for (let batch = 0; batch < BATCHES; batch++) for (const subject of subjects) subject.measureBatch();

  print(`one event, from its bytes to the catalog: medians of ${BATCHES} times ${EVENTS_IN_A_BATCH} events`);
  print("");
  print(row("", ["µs", "against few"]));
  const growths = new Map<string, number>();
  for (const { contestant, keys, times } of subjects) {
    const few = subjects.find((other) => other.contestant === contestant && other.keys === FEW_KEYS)!;
    const growth = median(times) / median(few.times);
    growths.set(`${contestant} ${keys}`, growth);
    print(
      row(`${contestant}, ${keys.toLocaleString("en")} keys`, [median(times).toFixed(1), growth.toFixed(2)]),
    );
  }
  print("");
  for (const keys of sizes) {
    const ratio = growths.get(`gateway ${keys}`)! / growths.get(`floor ${keys}`)!;
    print(`${keys.toLocaleString("en")} keys against few, in terms of the floor's: ${judge(ratio, TARGET)}`);
  }
}
