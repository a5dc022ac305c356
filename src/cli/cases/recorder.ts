/**
 * Output modules that take events as those of the registry do, and note them in the place of handing them on.
 *
 * @module
 */

import type { CompiledStep } from "../../config/compile/delivery_compiler.ts";
import { forEachEventHeader } from "../../event/event_headers.ts";
import type { Delivery, Output, OutputModule } from "../../modules/module.ts";

/** One event that an output was handed. */
export interface SeenDelivery {
  /** `namespace/id` of the webhook that it is for. */
  readonly webhook: string;
  /** Its place in the chain, from 0. */
  readonly step: number;
  readonly module: string;
  /** `undefined` where the module needs none. */
  readonly connection: string | undefined;
  /** As metrics name it, such as an origin; `undefined` where the module names none. */
  readonly destination: string | undefined;
  /** The event's type, as its provider names it. */
  readonly type: string | undefined;
  /** Those that outputs take along, by their names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

interface Noted extends Omit<SeenDelivery, "step"> {
  readonly event: string;
  readonly config: unknown;
}

/** Notes what outputs are handed. */
export class DeliveryRecorder {
  #noted: Noted[] = [];

  /** The modules, each with an output that notes. Nothing of them asks a system. */
  recording(modules: readonly OutputModule[]): readonly OutputModule[] {
    return modules.map((module): OutputModule => {
      const { inspect: _inspect, notices: _notices, ...rest } = module;
      return {
        ...rest,
        open: (_connection, { name }) => Promise.resolve(this.#outputOf(module, name)),
      };
    });
  }

  /**
   * What was noted since the last time, in the order of the steps.
   *
   * @param stepsOf the outputs of a webhook
   */
  take(stepsOf: (webhook: string) => readonly CompiledStep[]): readonly SeenDelivery[] {
    const noted = this.#noted;
    this.#noted = [];
    const taken = new Map<string, Set<number>>();
    return noted.map(({ event, config, ...delivery }) => {
      const used = taken.get(event) ?? new Set();
      taken.set(event, used);
      // Steps of equal settings share them: the first of these is the one that came first.
      const steps = stepsOf(delivery.webhook).map((step, index) => ({ step, index }));
      const own = steps.filter(({ step }) =>
        step.module.name === delivery.module && step.moduleConfig === config
      );
      const step = (own.find(({ index }) => !used.has(index)) ?? own[0])?.index ?? 0;
      used.add(step);
      return { step, ...delivery };
    }).sort((one, other) => one.step - other.step);
  }

  #outputOf(module: OutputModule, name: string): Output {
    const needsNone = module.connectionTypes.length === 0;
    const note = ({ event, config }: Delivery) => {
      const headers = new Map<string, string>();
      forEachEventHeader(event, (header, value) => headers.set(header.toLowerCase(), value));
      this.#noted.push({
        webhook: `${event.namespace}/${event.webhook}`,
        event: event.id,
        config,
        module: module.name,
        connection: needsNone ? undefined : name,
        destination: module.destination?.(config),
        type: event.type,
        headers,
        // The memory of the body is given back when it is delivered.
        body: event.body.bytes.slice(),
      });
      return "delivered" as const;
    };
    return {
      deliver: (batch) => batch.map(note),
      probe: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
}
