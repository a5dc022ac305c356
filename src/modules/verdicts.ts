/**
 * What the errors of a client mean for events, as a table: its keys are what the client or its server names errors by,
 * such as numbers, code words, SQLSTATEs or HTTP statuses.
 *
 * @module
 */

import { DeliveryError, type DeliveryErrorCode, type DeliveryErrorOptions } from "../errors.ts";

/** What an error means for the events that met it, which the host acts on. */
export interface Verdict {
  /**
   * - `retry`: the event is tried again, by itself.
   * - `reject`: it is a dead letter, since it will never be taken as it is.
   * - `pause`: it is tried again, and until the output answers, no event is sent there.
   */
  readonly kind: "retry" | "reject" | "pause";
  /** What is wrong, for the operator: a name, or the rest of a sentence that begins with the server. */
  readonly text: string;
  /** Whether another connection may lead to a server that takes the event, as after a failover. @default false */
  readonly needsNewConnection?: boolean;
}

/** Makes verdicts of one kind, with what else a module knows of an error. */
interface Ruling {
  (text: string): Verdict;
  <More extends object>(text: string, more: More): Verdict & More;
}

function ruling(kind: Verdict["kind"]): Ruling {
  function rule(text: string): Verdict;
  function rule<More extends object>(text: string, more: More): Verdict & More;
  function rule(text: string, more: object = {}): Verdict {
    return { kind, text, ...more };
  }
  return rule;
}

/** An error after which the event is tried again, by itself. */
export const retry: Ruling = ruling("retry");

/** An error of the event itself, which will never be taken. */
export const reject: Ruling = ruling("reject");

/** An error of the system as a whole, which is left alone for a while. */
export const pause: Ruling = ruling("pause");

const CODES: Readonly<Record<Verdict["kind"], DeliveryErrorCode>> = {
  retry: "output_failed",
  reject: "output_rejected",
  pause: "output_unavailable",
};

/** The error of a delivery that a verdict makes. @param message shows nothing of the event, and no secret */
export function verdictError(
  { kind }: Verdict,
  message: string,
  options?: DeliveryErrorOptions,
): DeliveryError {
  return new DeliveryError(CODES[kind], message, options);
}

/** Ends a key that stands for all keys with the same beginning. */
const ANY_END = "*";

/**
 * Verdicts by keys, of which several may stand together, separated by spaces. One that ends in `*` stands for all that
 * begin so: `5*` for the statuses of a server's failures, `08*` for a class of SQLSTATEs. Of several that fit, the
 * longest counts.
 */
export class VerdictTable<More extends object = object> {
  readonly #exact: ReadonlyMap<string, Verdict & More>;
  /** By what keys begin with, the longest first. */
  readonly #beginnings: readonly (readonly [string, Verdict & More])[];
  readonly #otherwise: Verdict & More;

  /** @param otherwise for errors that no key fits; they may pass, unless one knows better */
  constructor(verdicts: Readonly<Record<string, Verdict & More>>, otherwise: Verdict & More) {
    const entries = Object.entries(verdicts).flatMap(([keys, verdict]) =>
      keys.split(" ").map((key) => [key, verdict] as const)
    );
    this.#exact = new Map(entries);
    this.#beginnings = entries.filter(([key]) => key.endsWith(ANY_END))
      .map(([key, verdict]) => [key.slice(0, -ANY_END.length), verdict] as const)
      .sort(([one], [other]) => other.length - one.length);
    this.#otherwise = otherwise;
  }

  /** The verdict on an error. */
  find(key: string | number): Verdict & More {
    const text = String(key);
    const known = this.#exact.get(text) ?? this.#beginnings.find(([start]) => text.startsWith(start))?.[1];
    return known ?? this.#otherwise;
  }
}
