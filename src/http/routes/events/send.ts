/**
 * `POST /admin/send`: a test event takes the way of any other one through its webhook. The operator's role stands in the
 * place of the sender's credentials.
 *
 * @module
 */

import type { CatalogEntry } from "../../../config/entry.ts";
import { GatewayError } from "../../../errors.ts";
import { jsonResponse } from "../../responses.ts";
import type { Route } from "../../router.ts";
import type { AdminCall, Guard } from "../access/guard.ts";
import { testId } from "../../../event/event_headers.ts";
import type { RequestSource } from "./requests.ts";
import { type DescribedEvent, readDescribedEvent } from "./described_event.ts";

/** How much of the sender's answer is repeated, in bytes: what an output may answer a sender. */
const MAX_ANSWER = 64 * 1024;

/** How the route has events accepted. */
export interface TestSender {
  readonly find: (path: string) => CatalogEntry | undefined;
  /** Answers a request as if its sender had shown who it is. The event's id says that it is a test. */
  readonly send: (request: Request, path: string, id: string) => Promise<Response>;
}

/** Where the route finds what it needs. */
export interface SendSource {
  readonly tests: TestSender;
  readonly requests: RequestSource;
}

/** How a test event was answered. */
export interface SentTest {
  readonly webhook: string;
  /** Of the event, as outputs get it. */
  readonly event_id: string;
  /** Whether its delivery has ended with the answer, or is made later. */
  readonly accept: "delivered" | "durable";
  /** `accepted`, `duplicate`, `replayed`, `filtered`, or the code of an error; `null` where that is not known. */
  readonly outcome: string | null;
  /** Whose role stands in the place of the sender's credentials. */
  readonly verified_by: string;
  /** What a sender would have got. */
  readonly status: number;
  readonly content_type: string | null;
  readonly answer: string;
}

/** The route. */
export function sendRoute(source: SendSource, guard: Guard): Route {
  return {
    path: "/admin/send",
    methods: { POST: guard("operator", (request, id, _rest, call) => send(source, request, id, call)) },
  };
}

async function send(
  { tests, requests }: SendSource,
  asked: Request,
  requestId: string,
  { caller, did }: AdminCall,
): Promise<Response> {
  const described = await readDescribedEvent(asked);
  const { webhook: path } = described;
  const entry = caller.seesPath(path) ? tests.find(path) : undefined;
  if (entry === undefined) throw new GatewayError("webhook_not_found");
  const id = testId(requestId);
  const response = await tests.send(requestOf(described, path), path, id);
  const body = new Uint8Array(await response.arrayBuffer());
  const outcome = outcomeOf(requests, path, id);
  const sent: SentTest = {
    webhook: path,
    event_id: id,
    accept: entry.webhook?.policy.acceptance ?? "durable",
    outcome,
    verified_by: caller.name,
    status: response.status,
    content_type: response.headers.get("content-type"),
    answer: new TextDecoder().decode(body.subarray(0, MAX_ANSWER)),
  };
  did({ webhook: path, event_id: id, outcome: outcome ?? "" });
  return jsonResponse(200, { ...sent }, requestId);
}

/** What is remembered of the request; `null` where that is nothing, as of a webhook that was removed meanwhile. */
function outcomeOf({ noted, refusals }: RequestSource, path: string, id: string): string | null {
  const [answered] = noted.history.list((request) => request.path === path && request.id === id);
  return answered?.outcome ?? refusals.of(path).find(({ requestId }) => requestId === id)?.code ?? null;
}

/** The request that a sender would have made. */
function requestOf({ headers, query, body }: DescribedEvent, path: string): Request {
  if (!headers.has("content-type")) headers.set("content-type", "application/json");
  headers.set("content-length", String(body.byteLength));
  const url = new URL(`http://localhost/webhook/${path}`);
  url.search = query;
  return new Request(url, { method: "POST", headers, body });
}
