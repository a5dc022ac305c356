/**
 * What an output gets of an event in the place of what was sent: `keep` or `drop`, `mask`, `build` and `wrap`, in this
 * order. Whatever cannot be made is not handed on at all.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import { EventBody } from "../../event/event.ts";
import { type VerifiedEvent, withBody } from "../../event/verified_event.ts";
import { Budget, type Expression, type Variables } from "../../expressions/expressions.ts";
import { parseExactly } from "../../json/exact_numbers.ts";
import { parseInPieces } from "../../json/exact_pieces.ts";
import { inTurns, LARGE_BODY, requireJson, requireSmallJson } from "../documents.ts";
import { type HiddenNames, variablesOf } from "../variables.ts";
import {
  CLOUD_EVENT_TYPE,
  type CloudEventAttributes,
  USUAL_ATTRIBUTES,
  wrapBytes,
  wrapDocument,
} from "./cloud_event.ts";
import { type Cut, cutJson, cutSmallJson } from "./cutter.ts";
import { EvaluationError, UnwritableError } from "./json_writer.ts";
import type { Place } from "./places.ts";
import { type Template, valueOf } from "./template.ts";

/** Longest attribute of a CloudEvent, in characters. */
const MAX_ATTRIBUTE = 2_048;

/** What stands before the data of a CloudEvent, and is more than it may have had before, in characters. */
const WRAP_ROOM = 4 * MAX_ATTRIBUTE + 1_024;

/** Values that are cut out of documents. */
export interface CutOut {
  readonly cut: Cut;
  readonly places: Place;
}

/** The attributes of CloudEvents as expressions; those that are left out are the gateway's. */
export interface Wrapping {
  readonly type?: Expression | undefined;
  readonly subject?: Expression | undefined;
  readonly source?: Expression | undefined;
}

/** What is done with the events of one webhook or step. */
export interface PayloadPlan {
  /** In order. */
  readonly cuts: readonly CutOut[];
  readonly template: Template | undefined;
  /** `undefined` where nothing is wrapped. */
  readonly wrapping: Wrapping | undefined;
  /** Whether bodies are JSON. */
  readonly isJson: boolean;
  readonly hidden: HiddenNames;
  /** Of what is made, in characters; what was sent may be as long as it was. */
  readonly maxLength: number;
}

type Made = VerifiedEvent | DeliveryError;

/** Makes of events what an output gets. */
export class EventPayload {
  readonly #plan: PayloadPlan;
  readonly #readsBody: boolean;
  /** Whether something of it is an expression. */
  readonly #evaluates: boolean;
  /** Whether it reads the query of the request. */
  readonly readsQuery: boolean;

  constructor(plan: PayloadPlan) {
    this.#plan = plan;
    const { template, wrapping } = plan;
    const attributes = attributesOf(wrapping);
    const readsOf = (variable: string) => attributes.some(({ reads }) => reads.variables.has(variable));
    this.#readsBody = template?.readsBody === true || readsOf("body");
    this.readsQuery = template?.readsQuery === true || readsOf("query");
    this.#evaluates = template !== undefined || attributes.length > 0;
  }

  /**
   * The event as an output gets it, or `filter_failed` with the reason why it cannot be made. Large bodies take several
   * turns. Never rejects.
   */
  reshape(event: VerifiedEvent): Made | Promise<Made> {
    if (event.body.length > LARGE_BODY) {
      return inTurns(this.#reshapeLarge(event)).catch((error) => failureOf(error));
    }
    try {
      return this.#reshapeSmall(event);
    } catch (error) {
      return failureOf(error);
    }
  }

  #reshapeSmall(event: VerifiedEvent): VerifiedEvent {
    const { cuts, isJson } = this.#plan;
    if (!isJson) return this.#reshapeBytes(event);
    requireSmallJson(event.body);
    const sent = event.body.text;
    let text = sent;
    for (const { cut, places } of cuts) text = cutSmallJson(text, places, cut);
    if (!this.#evaluates) return this.#finishPlain(event, sent, text);
    const value = !this.#readsBody ? undefined : text === sent ? event.body.value : parseExactly(text);
    return this.#finish(event, sent, text, value);
  }

  *#reshapeLarge(event: VerifiedEvent): Generator<void, VerifiedEvent, void> {
    const { cuts, isJson } = this.#plan;
    if (!isJson) return this.#reshapeBytes(event);
    yield* requireJson(event.body);
    const sent = yield* event.body.textInPieces();
    let text = sent;
    for (const { cut, places } of cuts) text = yield* cutJson(text, places, cut);
    if (!this.#evaluates) return this.#finishPlain(event, sent, text);
    const value = this.#readsBody ? yield* parseInPieces(text) : undefined;
    return this.#finish(event, sent, text, value);
  }

  /** Where nothing is evaluated. */
  #finishPlain(event: VerifiedEvent, sent: string, text: string): VerifiedEvent {
    const { wrapping, maxLength } = this.#plan;
    const longest = Math.max(maxLength, sent.length);
    requireLength(text, longest);
    if (wrapping !== undefined) return wrapText(event, text, USUAL_ATTRIBUTES, longest);
    return text === sent ? event : withBody(event, EventBody.fromJson(text));
  }

  /** @param value of the document, where an expression reads it */
  #finish(
    event: VerifiedEvent,
    sent: string,
    cut: string,
    value: unknown,
  ): VerifiedEvent {
    const { template, wrapping, maxLength } = this.#plan;
    const budget = new Budget();
    const variables = variablesOf(event, value, this.#plan.hidden);
    const longest = Math.max(maxLength, sent.length);
    const text = template?.write(variables, budget, longest) ?? cut;
    requireLength(text, longest);
    if (wrapping === undefined) {
      if (text === sent) return event;
      return withBody(
        event,
        EventBody.fromJson(text),
        template === undefined ? undefined : "application/json",
      );
    }
    return wrapText(event, text, evaluateAttributes(wrapping, variables, budget), longest);
  }

  /** Of any bytes a document can be built, and they can be wrapped. */
  #reshapeBytes(event: VerifiedEvent): VerifiedEvent {
    const { template, wrapping, maxLength } = this.#plan;
    const budget = new Budget();
    const variables = variablesOf(event, undefined, this.#plan.hidden);
    const built = template?.write(variables, budget, maxLength);
    if (wrapping === undefined) {
      return built === undefined ? event : withBody(event, EventBody.fromJson(built), "application/json");
    }
    const attributes = evaluateAttributes(wrapping, variables, budget);
    const wrapped = built === undefined
      ? wrapBytes(event, attributes)
      : wrapDocument(event, built, attributes);
    return withBody(event, EventBody.fromJson(wrapped), CLOUD_EVENT_TYPE);
  }
}

/** @param longest of the document within, in characters */
function wrapText(
  event: VerifiedEvent,
  json: string,
  attributes: CloudEventAttributes,
  longest: number,
): VerifiedEvent {
  const wrapped = wrapDocument(event, json, attributes);
  requireLength(wrapped, longest + WRAP_ROOM);
  return withBody(event, EventBody.fromJson(wrapped), CLOUD_EVENT_TYPE);
}

/** The event as several payloads make it, one after the other. */
export class PayloadSequence {
  readonly #payloads: readonly Pick<EventPayload, "reshape">[];

  constructor(payloads: readonly Pick<EventPayload, "reshape">[]) {
    this.#payloads = payloads;
  }

  /** As {@linkcode EventPayload.reshape}. */
  reshape(event: VerifiedEvent): Made | Promise<Made> {
    let made: Made | Promise<Made> = event;
    for (const payload of this.#payloads) {
      made = made instanceof Promise ? made.then((before) => next(payload, before)) : next(payload, made);
    }
    return made;
  }
}

function next(payload: Pick<EventPayload, "reshape">, made: Made): Made | Promise<Made> {
  return made instanceof DeliveryError ? made : payload.reshape(made);
}

function attributesOf(wrapping: Wrapping | undefined): readonly Expression[] {
  if (wrapping === undefined) return [];
  return [wrapping.type, wrapping.subject, wrapping.source].filter((expression) => expression !== undefined);
}

function evaluateAttributes(
  { type, subject, source }: Wrapping,
  variables: Variables,
  budget: Budget,
): CloudEventAttributes {
  return {
    type: type && required("type", attribute("type", type, variables, budget)),
    subject: subject && attribute("subject", subject, variables, budget),
    source: source && required("source", attribute("source", source, variables, budget)),
  };
}

/** @returns `undefined` where it is `null`, so that the attribute is left out */
function attribute(
  name: string,
  expression: Expression,
  variables: Variables,
  budget: Budget,
): string | undefined {
  const value = valueOf(expression, variables, budget);
  if (value === null) return undefined;
  if (typeof value === "string" && value !== "" && value.length <= MAX_ATTRIBUTE) return value;
  throw new UnwritableError(`Its '${name}' would not be a text of 1 to ${MAX_ATTRIBUTE} characters`);
}

function required(name: string, text: string | undefined): string {
  if (text === undefined) throw new UnwritableError(`Its '${name}' would be null`);
  return text;
}

function requireLength(text: string, maxLength: number): void {
  if (text.length > maxLength) {
    throw new UnwritableError(`It would have more than the ${maxLength} characters that a body may have`);
  }
}

/** What is thrown by nothing in here is a bug, and the event is not handed on either. */
function failureOf(error: unknown): DeliveryError {
  const message = "The payload cannot be made";
  if (error instanceof EvaluationError) {
    const { source, message: reason } = error.failure;
    return new DeliveryError(
      "filter_failed",
      `${message}${source === "" ? "" : ` at '${source}'`}: ${reason}`,
    );
  }
  if (error instanceof UnwritableError || error instanceof SyntaxError) {
    const reason = error instanceof SyntaxError ? "The body is not valid JSON" : error.message;
    return new DeliveryError("filter_failed", `${message}: ${reason}`);
  }
  return new DeliveryError("filter_failed", `${message}: a bug of the gateway`, { cause: error });
}
