/**
 * Output modules that take events as those of the registry do, and note them in the place of handing them on.
 *
 * @module
 */

import type { CompiledStep } from "../../config/compile/delivery_compiler.ts";
import { forEachEventHeader } from "../../event/event_headers.ts";
import type { Event } from "../../event/event.ts";
import type { Attempt, Delivery, Output, OutputModule } from "../../modules/module.ts";
import type { TargetAnswer } from "./case_file.ts";
import { goesToHttpTarget, headersToTarget, resultOf } from "./http_target.ts";

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
  /** Those that it takes along, by their names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

interface Noted extends Omit<SeenDelivery, "step"> {
  readonly event: string;
  readonly config: unknown;
}

const OK: TargetAnswer = { status: 200 };

/** Notes what outputs are handed. */
export class DeliveryRecorder {
  #noted: Noted[] = [];
  /** What destinations of `http_webhook` answer at the moment. */
  #target: TargetAnswer = OK;

  /** From now on destinations of `http_webhook` answer like this. @param answer @default 200 without a body */
  answerWith(answer: TargetAnswer = OK): void {
    this.#target = answer;
  }

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
    const connection = module.connectionTypes.length === 0 ? undefined : name;
    const isTarget = goesToHttpTarget(module.name);
    const deliver = (delivery: Delivery, { number }: Attempt) => {
      // Further attempts are the same delivery.
      if (number === 1) this.#note(module, connection, delivery);
      return isTarget ? resultOf(delivery, this.#target) : "delivered";
    };
    return {
      deliver: (batch, attempt) => batch.map((delivery) => deliver(delivery, attempt)),
      probe: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  #note(module: OutputModule, connection: string | undefined, delivery: Delivery): void {
    const { event, config } = delivery;
    this.#noted.push({
      webhook: `${event.namespace}/${event.webhook}`,
      event: event.id,
      config,
      module: module.name,
      connection,
      destination: module.destination?.(config),
      type: event.type,
      headers: goesToHttpTarget(module.name) ? headersToTarget(delivery, 1) : headersOf(event),
      // The memory of the body is given back when it is delivered.
      body: event.body.bytes.slice(),
    });
  }
}

/** Those that outputs take along which take any. */
function headersOf(event: Event): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  forEachEventHeader(event, (header, value) => headers.set(header.toLowerCase(), value));
  return headers;
}
