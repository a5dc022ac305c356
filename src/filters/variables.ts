/**
 * What expressions of webhooks can read: the body, the headers and the query of a request, and what is known of its
 * event. Credentials are not among them, since what an expression makes is handed on.
 *
 * @module
 */

import type { Event } from "../event/event.ts";
import { receivedAtText } from "../event/event_headers.ts";
import { isCredentialHeader } from "../event/header_policy.ts";
import type { Declarations, Texts, Variables } from "../expressions/expressions.ts";
import { isSensitiveName } from "../observability/redaction.ts";

/** What an expression is asked about. */
export type Subject =
  & Pick<Event, "id" | "namespace" | "webhook" | "headers">
  & Partial<Pick<Event, "type" | "receivedAt" | "query">>;

const EVENT_MEMBERS = {
  id: "string",
  namespace: "string",
  webhook: "string",
  type: "string",
  received_at: "string",
} as const;

/** The variables of webhooks whose bodies are JSON. */
export const DECLARATIONS: Declarations = {
  body: { kind: "json" },
  headers: { kind: "texts" },
  query: { kind: "texts" },
  event: { kind: "record", members: EVENT_MEMBERS },
};

/** The variables of webhooks that take any bytes. */
export const WITHOUT_BODY: Declarations = {
  ...DECLARATIONS,
  body: { kind: "unavailable", reason: "There is no document to read: 'data_type' is 'blob'" },
};

/** What holds credentials of one webhook, whatever it is called. */
export interface HiddenNames {
  /** In lower case. */
  readonly headers: readonly string[];
  readonly parameters: readonly string[];
}

/** One value for all webhooks that name none. */
export const NOTHING_HIDDEN: HiddenNames = { headers: [], parameters: [] };

/** The variables of an evaluation. @param body the value of the document, where the expression reads it */
export function variablesOf(subject: Subject, body: unknown, hidden: HiddenNames): Variables {
  return new EventVariables(subject, body, hidden);
}

/** Getters of a class, since those of an object would be made for every event. */
class EventVariables implements Variables {
  readonly [name: string]: unknown;
  readonly body: unknown;
  readonly #subject: Subject;
  readonly #hidden: HiddenNames;
  #headers: HeaderTexts | undefined;
  #query: QueryTexts | undefined;

  constructor(subject: Subject, body: unknown, hidden: HiddenNames) {
    this.body = body;
    this.#subject = subject;
    this.#hidden = hidden;
  }

  get headers(): Texts {
    return this.#headers ??= new HeaderTexts(this.#subject.headers, this.#hidden);
  }

  get query(): Texts {
    return this.#query ??= new QueryTexts(this.#subject.query ?? "");
  }

  get event(): Readonly<Record<string, string>> {
    return eventRecord(this.#subject);
  }
}

/** Whether a header cannot be read, since its value may be a credential. @param name in any case */
export function isHidden(name: string, { headers }: HiddenNames): boolean {
  const lowerCase = name.toLowerCase();
  return isCredentialHeader(lowerCase) || headers.includes(lowerCase);
}

/** An expression that asks for a hidden name by a literal is not compiled, and the others are not among the names. */
class HeaderTexts implements Texts {
  readonly #headers: Headers;
  readonly #hidden: HiddenNames;

  constructor(headers: Headers, hidden: HiddenNames) {
    this.#headers = headers;
    this.#hidden = hidden;
  }

  get(name: string): string | undefined {
    try {
      return this.#headers.get(name) ?? undefined;
    } catch {
      return undefined; // No header can be called so.
    }
  }

  names(): readonly string[] {
    return [...this.#headers.keys()].filter((name) => !isHidden(name, this.#hidden));
  }
}

class QueryTexts implements Texts {
  readonly #parameters: URLSearchParams;

  constructor(query: string) {
    this.#parameters = new URLSearchParams(query);
  }

  get(name: string): string | undefined {
    return this.#parameters.get(name) ?? undefined;
  }

  names(): readonly string[] {
    return [...new Set(this.#parameters.keys())];
  }
}

function eventRecord(subject: Subject): Readonly<Record<keyof typeof EVENT_MEMBERS, string>> {
  const { id, namespace, webhook, type = "", receivedAt = 0 } = subject;
  return { id, namespace, webhook, type, received_at: receivedAtText({ receivedAt }) };
}

/** Names of parameters that hold credentials and are harmless elsewhere. */
const CREDENTIAL_PARAMETER = /^(?:key|sig|hash|otp|pin)$/i;

/** Whether a parameter of the query cannot be read, since its value may be a credential. */
export function isHiddenParameter(name: string, { parameters }: HiddenNames): boolean {
  return parameters.includes(name) || isSensitiveName(name) || isCredentialHeader(name.toLowerCase()) ||
    CREDENTIAL_PARAMETER.test(name);
}

/** The query of a URL without the parameters whose values may be credentials. */
export function readableQuery(url: string, hidden: HiddenNames): string {
  const start = url.indexOf("?");
  if (start === -1) return "";
  const parameters = new URLSearchParams(url.slice(start));
  for (const name of new Set(parameters.keys())) {
    if (isHiddenParameter(name, hidden)) parameters.delete(name);
  }
  return parameters.toString();
}
