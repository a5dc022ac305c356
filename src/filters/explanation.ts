/**
 * What would happen to an event, for people: how each condition has come to its result, which steps would take the
 * event, and what each of them would get. It counts nothing and delivers nothing.
 *
 * @module
 */

import { DeliveryError } from "../errors.ts";
import type { Event, EventBody } from "../event/event.ts";
import type { EventTypes } from "../event/event_type.ts";
import { ownEvent, type VerifiedEvent } from "../event/verified_event.ts";
import {
  Budget,
  type Clause,
  type Explanation,
  ExpressionFailure,
  MAX_STEPS,
} from "../expressions/expressions.ts";
import type { StepPayload, WebhookFilters } from "./compile.ts";
import type { Condition } from "./condition.ts";
import { inTurns, valueOf } from "./documents.ts";
import { variablesOf } from "./variables.ts";

/** A part of a condition between `&&`, `||` and `!`. */
export interface ExplainedClause {
  readonly text: string;
  readonly line: number;
  readonly column: number;
  /** `true`, `false`, or why it is neither. */
  readonly value: boolean | string;
  /** What it found absent, and the names that stand there instead. */
  readonly absent: readonly {
    readonly path: string;
    readonly members: readonly string[];
    readonly others: number;
  }[];
}

/** How a condition has come to its result. */
export interface ExplainedCondition {
  readonly expression: string;
  readonly result: "true" | "false" | "missing_field" | "error" | "budget";
  /** Why it is neither true nor false. */
  readonly reason?: string;
  readonly clauses: readonly ExplainedClause[];
  /** Steps of its budget that it took. */
  readonly steps: number;
  readonly budget: number;
}

/** What happens to an event at one step. */
export interface ExplainedStep {
  readonly name: string;
  readonly runs: boolean;
  readonly when?: ExplainedCondition;
  readonly otherwise?: true;
  /** What its output would get; base64 where it is no text. */
  readonly payload?: string;
  readonly payload_base64?: string;
  /** Why it fails. */
  readonly error?: string;
}

/** What would happen to an event. */
export interface ExplainedEvent {
  readonly outcome: "passes" | "filtered" | "error";
  /** Whether its type is one of `events`; left out where all are. */
  readonly events?: boolean;
  readonly filter?: ExplainedCondition;
  readonly steps: readonly ExplainedStep[];
}

/** Takes credentials out of events before anything reads them. */
export interface EventCleanup {
  cleanedHeaders(headers: Headers): Headers;
  /** May be interrupted wherever it yields. */
  cleanedBody(body: EventBody): Generator<void, EventBody, void>;
}

/** A webhook that is asked about. */
export interface ExplainedWebhook {
  /** `undefined` where it takes everything as it is. */
  readonly filters: WebhookFilters | undefined;
  readonly eventTypes: EventTypes | undefined;
  readonly cleanup: EventCleanup | undefined;
  /** Whether its bodies are documents. */
  readonly isJson: boolean;
  /** The names of its steps. */
  readonly steps: readonly string[];
}

/**
 * Says what would happen to an event.
 *
 * @param asked as it would be accepted
 */
export async function explainEvent(webhook: ExplainedWebhook, asked: Event): Promise<ExplainedEvent> {
  const { filters, eventTypes, steps } = webhook;
  const event = ownEvent(await cleaned(asked, webhook));
  const events = eventTypes?.takes?.(event.type);
  const body = await bodyValue(event.body);
  const filter = filters?.filter && explainCondition(filters.filter.condition, event, body);
  const begin = { ...(events === undefined ? {} : { events }), ...(filter === undefined ? {} : { filter }) };
  if (events === false) return { outcome: "filtered", ...begin, steps: [] };
  const onError = filters?.filter?.onError;
  if (filter !== undefined && (filter.result === "error" || filter.result === "budget")) {
    if (onError === "dead_letter") return { outcome: "error", ...begin, steps: [] };
    if (onError === "filter") return { outcome: "filtered", ...begin, steps: [] };
  } else if (filter !== undefined && filter.result !== "true") {
    return { outcome: "filtered", ...begin, steps: [] };
  }
  return { ...await explainSteps(filters, steps, event, body), ...begin };
}

async function cleaned(asked: Event, { cleanup, isJson }: ExplainedWebhook): Promise<Event> {
  if (cleanup === undefined) return asked;
  const { headers, body } = asked;
  return {
    ...asked,
    headers: cleanup.cleanedHeaders(headers),
    body: isJson ? await inTurns(cleanup.cleanedBody(body)) : body,
  };
}

async function explainSteps(
  filters: WebhookFilters | undefined,
  names: readonly string[],
  event: VerifiedEvent,
  body: unknown,
): Promise<Pick<ExplainedEvent, "outcome" | "steps">> {
  const stored = await filters?.acceptPayload?.reshape(event) ?? event;
  if (stored instanceof DeliveryError) {
    return { outcome: "error", steps: names.map((name) => ({ name, runs: false, error: stored.message })) };
  }
  const seen = stored === event ? body : await bodyValue(stored.body);
  const chosen = filters?.routing?.asked(stored, seen) ?? names.map(() => "take" as const);
  const steps: ExplainedStep[] = [];
  for (const [index, name] of names.entries()) {
    const choice = chosen[index]!;
    const condition = filters?.conditions[index];
    const when = typeof condition === "object"
      ? explainCondition(condition.condition, stored, seen)
      : undefined;
    const begin = {
      name,
      ...(when === undefined ? {} : { when }),
      ...(condition === "otherwise" ? { otherwise: true as const } : {}),
    };
    if (choice === "skip") steps.push({ ...begin, runs: false });
    else if (choice instanceof DeliveryError) steps.push({ ...begin, runs: false, error: choice.message });
    else steps.push({ ...begin, ...await explainPayload(filters?.payloads[index], stored) });
  }
  return { outcome: outcomeOf(steps), steps };
}

function outcomeOf(steps: readonly ExplainedStep[]): ExplainedEvent["outcome"] {
  if (steps.some(({ error }) => error !== undefined)) return "error";
  return steps.some(({ runs }) => runs) ? "passes" : "filtered";
}

async function explainPayload(
  payload: StepPayload | undefined,
  event: VerifiedEvent,
): Promise<Pick<ExplainedStep, "runs" | "payload" | "payload_base64" | "error">> {
  const made = await payload?.reshape(event) ?? event;
  if (made instanceof DeliveryError) return { runs: false, error: made.message };
  const { body } = made;
  return body.isUtf8
    ? { runs: true, payload: body.text }
    : { runs: true, payload_base64: body.bytes.toBase64() };
}

/** `undefined` where the body is no document. */
async function bodyValue(body: EventBody): Promise<unknown> {
  try {
    return await valueOf(body);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function explainCondition(condition: Condition, event: VerifiedEvent, body: unknown): ExplainedCondition {
  const { expression, hidden } = condition;
  const explanation = expression.explain(variablesOf(event, body, hidden), new Budget());
  return {
    expression: expression.text,
    ...resultOf(explanation),
    clauses: explanation.clauses.map(explainClause),
    steps: explanation.steps,
    budget: MAX_STEPS,
  };
}

function resultOf({ result }: Explanation): Pick<ExplainedCondition, "result" | "reason"> {
  if (result instanceof ExpressionFailure) return { result: result.kind, reason: result.message };
  if (typeof result === "boolean") return { result: result ? "true" : "false" };
  return { result: "error", reason: "The value of the condition is not a bool" };
}

function explainClause({ text, line, column, result, absent }: Clause): ExplainedClause {
  const value = typeof result === "boolean"
    ? result
    : result instanceof ExpressionFailure
    ? result.message
    : "not a bool";
  return {
    text,
    line,
    column,
    value,
    absent: absent.map(({ path, members, others }) => ({ path, members, others })),
  };
}
