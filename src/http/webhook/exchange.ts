/**
 * The life of a webhook request: find the entry, verify, read, decode, hand to the output, answer. The
 * entry is captured once and held to the end, so a change of configuration never splits a request.
 *
 * One object and one asynchronous function carry a request all the way: each further promise or closure
 * would cost every request about as much as the look-up of its webhook does.
 *
 * @module
 */

import { answerTo, type Authenticator } from "../../auth/authenticator.ts";
import type { Challenge } from "../../auth/challenges/challenge.ts";
import type { Handshakes } from "../../auth/challenges/handshakes.ts";
import type { ClientCertificates } from "../../auth/client_certificate/client_certificates.ts";
import type { ClientAddressResolver } from "../../auth/client_address.ts";
import type { PublicUrlResolver } from "../../auth/public_url.ts";
import type { SenderMemory } from "../../auth/sender_memory.ts";
import type { AuthServers } from "../../auth/servers/auth_servers.ts";
import type { RequestToVerify } from "../../auth/verifier.ts";
import type { CompiledWebhook } from "../../config/compile/compiler.ts";
import type { CredentialCleanup } from "../../rules/cleanup/credential_cleanup.ts";
import { BlockedWebhook, type CatalogEntry, WebhookEntry } from "../../config/entry.ts";
import type { WebhookFilters } from "../../filters/compile.ts";
import { passFilter } from "../../filters/passage.ts";
import type { FilteredBy, FilterReports } from "../../filters/reports.ts";
import { readableQuery } from "../../filters/variables.ts";
import type { Deadlines } from "../../time/deadlines.ts";
import type { Acceptor } from "../../delivery/acceptor.ts";
import type { Appended, AppendListener } from "../../journal/journal.ts";
import { GatewayError } from "../../errors.ts";
import { type Event, EventBody } from "../../event/event.ts";
import { AnswerSlot } from "../../event/output_answer.ts";
import type { Repeated } from "../../event/repeat_key.ts";
import { addCors, type CorsPolicy, isPreflight, requireOrigin } from "../../rules/cors.ts";
import { type CommonRates, countChallenge, countRequestTo } from "../../rules/rate_limit.ts";
import {
  type BodyLimits,
  declaredLength,
  LARGE_BYTES,
  readBody,
  requireDeclared,
  type StreamedBody,
  streamedBody,
  toReadError,
} from "./body.ts";
import type { Tracing } from "../../observability/tracing.ts";
import { BoundedRequest, type RequestBounds } from "./bounded_request.ts";
import { contentCodings, decodeBody } from "./decoding/content_encoding.ts";
import { discardBody } from "./discarded_body.ts";
import { decodedHeaders } from "./decoded_headers.ts";
import { eventHeaders } from "./default_webhook.ts";
import { finish } from "./large_bodies.ts";
import { type BodyChange, bodyChange, type DocumentReading, readEventBody } from "./event_body.ts";
import { type EntryLookup, findEntry, maxBytesOf, methodNotAllowed, PROBE_METHODS } from "./entry_lookup.ts";
import { type FailureLog, peerAddress } from "../failure_log.ts";
import type { RequestMetrics } from "../request_metrics.ts";
import {
  acceptedResponse,
  answerOfOutput,
  challengeResponse,
  errorResponse,
  filteredResponse,
  probeResponse,
  refusalOfOutput,
  toGatewayError,
} from "../responses.ts";

/** What webhook requests are answered with. */
export interface ExchangeContext extends EntryLookup, RequestBounds, CommonRates {
  /** Default of `max_body_bytes`, and the time for a body to arrive. */
  readonly bodyLimits: BodyLimits;
  /** What answers to requests for no webhook have to say to browsers. */
  readonly cors: CorsPolicy | undefined;
  readonly documents: DocumentReading;
  readonly acceptor: Acceptor;
  readonly deadlines: Deadlines;
  readonly metrics: RequestMetrics;
  /** Where is counted which types of events are wanted. @default nowhere */
  readonly filterReports?: FilterReports | undefined;
  readonly failures: FailureLog;
  readonly clientAddress: ClientAddressResolver;
  readonly publicUrls: PublicUrlResolver;
  readonly clientCertificates: ClientCertificates;
  /** Asked by verifiers, as handshakes are. */
  readonly authServers: AuthServers;
  readonly handshakes: Handshakes;
  /** Whether answers to accepted events have the header with the request's id. */
  readonly namesAccepted: boolean;
  /** `undefined` while no traces are recorded. */
  readonly tracing: Tracing | undefined;
  /** Stands in the place of each webhook's own. @default none does */
  readonly authenticator?: Authenticator;
}

/**
 * Answers one webhook request. Never rejects.
 *
 * @param path `namespace/id`, as it stands in the URL
 * @param id the request's id; it becomes the event's
 */
export function exchange(
  context: ExchangeContext,
  request: Request,
  info: Deno.ServeHandlerInfo,
  path: string,
  id: string,
): Promise<Response> {
  return new Exchange(context, request, info, path, id).start();
}

class Exchange extends BoundedRequest implements RequestToVerify, AppendListener {
  readonly #context: ExchangeContext;
  readonly #request: Request;
  readonly #info: Deno.ServeHandlerInfo;
  readonly #path: string;
  readonly #id: string;
  /** The headers of the event; `undefined` while those of the request are true of it. */
  #headers: Headers | undefined;
  #resolve: ((response: Response) => void) | undefined;
  readonly #startedAt = Date.now();
  #entry: CatalogEntry | undefined;
  /** The body that is being read, where that can be ended. */
  #stream: StreamedBody | undefined;
  /** The body in its last form, while nobody else has it. */
  #body: EventBody | undefined;
  /** Whether the body was given up while it was read: its memory is held until the reading has ended. */
  #late = false;
  #answered = false;
  /** Where the answer of an output goes; `undefined` where the sender does not want it. */
  #outputAnswer: AnswerSlot | undefined;
  #isUnfiltered: true | undefined;

  constructor(
    context: ExchangeContext,
    request: Request,
    info: Deno.ServeHandlerInfo,
    path: string,
    id: string,
  ) {
    super(context);
    this.#context = context;
    this.#request = request;
    this.#info = info;
    this.#path = path;
    this.#id = id;
  }

  /** Begins, and resolves with what the request is answered with. */
  start(): Promise<Response> {
    const answer = new Promise<Response>((resolve) => this.#resolve = resolve);
    this.#run();
    return answer;
  }

  /** As received, but for what the webhook `default` adds, and once the body was decoded those that are true of it. */
  get headers(): Headers {
    return this.#headers ?? this.#request.headers;
  }

  get method(): string {
    return this.#request.method;
  }

  get url(): string {
    return this.#request.url;
  }

  get peerAddress(): string {
    return peerAddress(this.#info);
  }

  get clientAddresses(): ClientAddressResolver {
    return this.#context.clientAddress;
  }

  get publicUrls(): PublicUrlResolver {
    return this.#context.publicUrls;
  }

  get clientCertificates(): ClientCertificates {
    return this.#context.clientCertificates;
  }

  get memory(): SenderMemory {
    return this.#entry!.memory;
  }

  get servers(): AuthServers {
    return this.#context.authServers;
  }

  get webhook(): string {
    return this.#entry?.path ?? this.#path;
  }

  get handshakes(): Handshakes {
    return this.#context.handshakes;
  }

  async #run(): Promise<void> {
    try {
      const entry = this.#begin();
      if (entry === undefined) return;
      if (this.#context.defaultWebhook) this.#headers = eventHeaders(this.headers, entry, this.#path);
      const { rules, filters, eventTypes } = entry.webhook;
      const authenticator = this.#context.authenticator ?? entry.webhook.authenticator;
      const maxBytes = maxBytesOf(entry, this.#context.bodyLimits.maxBytes);
      const length = declaredLength(this.#request, maxBytes);
      this.hold(entry, length ?? maxBytes);
      // What needs no waiting is used at once: each await costs the request a turn of the event loop.
      const admitting = authenticator.admit(this);
      const admission = admitting instanceof Promise ? await admitting : admitting;
      if (admission.challenge !== undefined) return await this.#answer(entry, admission.challenge, false);

      // Whoever cannot sign uses up nothing, but over the limit no body is read to find out who that is.
      countRequestTo(entry, rules?.rateLimit, this.#context, !authenticator.readsBody);

      const codings = contentCodings(this.#request);
      const bytes = await this.#startReading(length, maxBytes);
      if (this.#late) return this.giveBackBody();
      const sent = this.#bodyOf(bytes, length);
      const verifying = authenticator.verify(admission, this, sent);
      const verified = verifying instanceof Promise ? await verifying : verifying;
      if (authenticator.readsBody) countRequestTo(entry, rules?.rateLimit, this.#context, true);
      if (verified.challenge !== undefined) return await this.#answer(entry, verified.challenge, true);

      const { documents } = this.#context;
      const decoded = codings === undefined ? sent : await decodeBody(sent, codings, {
        maxBytes,
        large: documents.large,
        reserve: (bytes) => this.holdAtLeast(bytes),
      });
      this.#body = decoded;
      const { headers: received } = this.#request;
      const reading = readEventBody(entry.webhook, decoded, received, maxBytes, documents);
      const body = reading instanceof Promise ? await reading : reading;
      if (body !== sent) this.#noteDecoded(body, bodyChange(entry.webhook, decoded, body, received));
      const kept = this.#keep(entry.webhook, decoded, body);
      const type = eventTypes?.find(this.headers, kept);
      const isWanted = eventTypes?.takes?.(type);
      if (isWanted !== undefined) this.#context.filterReports?.sorted(entry, isWanted);
      if (isWanted === false) return this.#filter(entry, "events");
      const { repeatKey } = verified;
      const signed = typeof repeatKey === "function" ? repeatKey(kept) : repeatKey;
      // Conditions read what is left, as they do when an event comes out of the journal.
      const cleaning = rules?.cleanup === undefined
        ? kept
        : this.#cleanUp(kept, rules.cleanup, entry.webhook);
      const clean = cleaning instanceof Promise ? await cleaning : cleaning;
      if (filters?.filter !== undefined) {
        const passing = this.#pass(filters, entry, clean, type);
        const passage = passing instanceof Promise ? await passing : passing;
        if (passage === "filtered") return this.#filter(entry, "filter");
        if (passage === "unfiltered") this.#isUnfiltered = true;
      }
      rules?.schema?.require(kept);
      if (clean !== kept) this.#replace(kept, clean);
      const event = authenticator.seal(verified, this.#eventOf(entry, clean, type));
      this.#body = undefined;
      const accepting = this.#context.acceptor.accept(entry, event, this, signed);
      const accepted = accepting instanceof Promise ? await accepting : accepting;
      // Whoever delivers it gives its memory back.
      if (accepted === "appending") return this.noteLeft(0);
      if (accepted === "filtered") return this.#filter(entry, "steps");
      if (accepted instanceof GatewayError) throw accepted;
      this.#succeed(entry, accepted === "delivered" ? undefined : accepted);
    } catch (thrown) {
      if (this.#late) return this.giveBackBody();
      const error = this.isReading ? toReadError(thrown) : toGatewayError(thrown);
      this.endReading();
      // What a sender is refused with must not be what the gateway then collects all the time.
      if (this.#body?.discard() === true) this.noteLeft(0);
      await this.#fail(error);
    }
  }

  #startReading(length: number | undefined, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const { deadlines, bodyLimits: { timeoutMs } } = this.#context;
    deadlines.set(timeoutMs, this);
    this.beginReading();
    this.#stream = streamedBody(this.#request, length, maxBytes);
    return readBody(this.#request, this.#stream);
  }

  #bodyOf(bytes: Uint8Array<ArrayBuffer>, length: number | undefined): EventBody {
    requireDeclared(bytes, length);
    this.endReading(bytes.byteLength);
    this.#context.deadlines.clear(this);
    return this.#body = EventBody.fromBytes(bytes);
  }

  /** The body in the form in which it is kept until it is delivered. */
  #keep({ bodyForm }: CompiledWebhook, decoded: EventBody, body: EventBody): EventBody {
    const kept = bodyForm === "text" && body.length <= LARGE_BYTES ? body.asText() : body;
    if (kept !== decoded) decoded.discard();
    this.#body = kept;
    this.holdExactly(kept.memory);
    return kept;
  }

  #eventOf(
    { lane: { namespace, webhook }, webhook: { answersFromOutput, filters, trustsTraces } }: WebhookEntry,
    body: EventBody,
    type: string | undefined,
  ): Event {
    const event: Event = {
      id: this.#id,
      namespace,
      webhook,
      type,
      receivedAt: Date.now(),
      headers: this.#context.tracing?.ownHeaders(this.headers) ?? this.headers,
      body,
      trace: this.#context.tracing?.carrier({ namespace, webhook, id: this.#id }, this.headers, trustsTraces),
      query: filters?.keepsQuery === true ? readableQuery(this.url, filters.hidden) : undefined,
      isUnfiltered: this.#isUnfiltered,
    };
    if (!answersFromOutput) return event;
    this.#outputAnswer = new AnswerSlot();
    return { ...event, answer: this.#outputAnswer };
  }

  /** Asks the webhook's filter. */
  #pass(filters: WebhookFilters, entry: WebhookEntry, body: EventBody, type?: string) {
    const { namespace, webhook } = entry.lane;
    // The runtime makes the text of the URL when it is asked for.
    const query = filters.readsQuery ? readableQuery(this.url, filters.hidden) : undefined;
    const { headers } = this;
    const subject = { id: this.#id, namespace, webhook, type, receivedAt: this.#startedAt, headers, query };
    return passFilter(filters, subject, body, entry.acceptance, this.#context.documents.large);
  }

  /** Takes credentials out of the headers, now that they have been verified, and makes a document without them. */
  #cleanUp(
    body: EventBody,
    cleanup: CredentialCleanup,
    { dataType }: CompiledWebhook,
  ): EventBody | Promise<EventBody> {
    this.#headers = cleanup.cleanedHeaders(this.headers);
    if (dataType === "blob") return body;
    const steps = cleanup.cleanedBody(body);
    return body.length <= LARGE_BYTES ? finish(steps) : this.#context.documents.large.finish(steps);
  }

  /** Goes on with another body than the one that was read. */
  #replace(body: EventBody, other: EventBody): void {
    body.discard();
    this.#body = other;
    this.#noteDecoded(other, "none");
    this.holdExactly(other.memory);
  }

  #noteDecoded(body: EventBody, change: BodyChange): void {
    this.noteLeft(body.length);
    this.#headers = decodedHeaders(this.headers, change);
  }

  onAppended(appended: Appended): void {
    try {
      this.#succeed(this.#entry as WebhookEntry, "duplicateOf" in appended ? appended : undefined);
    } catch (thrown) {
      this.#fail(toGatewayError(thrown));
    }
  }

  onRefused(error: GatewayError): void {
    this.#fail(error);
  }

  /**
   * The body did not arrive in time. The server says so (`Connection: close`), and closes the connection when more of
   * it comes after all; what has arrived is let go at once, but for a body that one call reads.
   */
  override expire(): void {
    this.#late = true;
    this.endReading();
    this.#stream?.cancel();
    this.#fail(new GatewayError("body_timeout"));
  }

  /** The entry that takes the request; `undefined` when the request was a probe, which is answered here. */
  #begin(): WebhookEntry | undefined {
    this.enter();
    const { method } = this.#request;
    const entry = this.#entry = findEntry(this.#context, this.#path, method);
    const { webhook } = entry;
    // Nearly always the first method; searching a list of one costs more.
    if (webhook !== undefined && method !== webhook.methods[0] && !webhook.methods.includes(method)) {
      if (isPreflight(this.#request) && this.#answerPreflight(entry)) return undefined;
      if (entry instanceof WebhookEntry && webhook.authenticator.isChallenge(this)) {
        this.#beginChallenge(entry);
        return undefined;
      }
      if (!webhook.probes) throw methodNotAllowed(method, webhook.methods);
      const allowed = [...webhook.methods, ...PROBE_METHODS];
      if (!PROBE_METHODS.includes(method)) throw methodNotAllowed(method, allowed);
      if (entry instanceof WebhookEntry) {
        const allow = method === "OPTIONS" ? allowed : undefined;
        this.#answerProbe(entry, probeResponse(allow, this.#context.namesAccepted ? this.#id : undefined));
        return undefined;
      }
    }
    // Of one that was never valid nobody knows which methods it takes: 503 has senders come again, 405 does not.
    if (entry instanceof BlockedWebhook) throw entry.error;
    return entry;
  }

  async #answerProbe(entry: CatalogEntry, response: Response): Promise<void> {
    this.#context.metrics.probed(entry);
    await discardBody(this.#request);
    this.#end(response, "probe");
  }

  /** A question by a method that the webhook takes no events by. */
  async #beginChallenge(entry: WebhookEntry): Promise<void> {
    try {
      this.hold(entry, 0);
      const { challenge } = await entry.webhook.authenticator.admit(this);
      if (challenge === undefined) throw methodNotAllowed(this.method, entry.webhook.methods);
      await this.#answer(entry, challenge, false);
    } catch (thrown) {
      await this.#fail(toGatewayError(thrown));
    }
  }

  /** @param isSigned whether nobody but the provider can ask it: of others, only so many are answered */
  async #answer(entry: WebhookEntry, challenge: Challenge, isSigned: boolean): Promise<void> {
    if (!isSigned) countChallenge(entry.challengeRate, performance.now());
    const { metrics, namesAccepted } = this.#context;
    const answer = await answerTo(challenge);
    metrics.challenged(entry);
    this.#body?.discard();
    await discardBody(this.#request);
    this.#end(challengeResponse(answer, namesAccepted ? this.#id : undefined), "challenge");
  }

  /** Whether a browser's question was answered: it is where pages may send, and nobody is authenticated for it. */
  #answerPreflight(entry: CatalogEntry): boolean {
    const cors = this.#cors;
    if (cors === undefined) return false;
    requireOrigin(cors, this.#request);
    this.#answerProbe(entry, new Response(null, { status: 204, headers: cors.preflight }));
    return true;
  }

  /** What answers have to say to browsers; `undefined` where no page may send. */
  get #cors(): CorsPolicy | undefined {
    const webhook = this.#entry?.webhook;
    return webhook === undefined ? this.#context.cors : webhook.rules?.cors;
  }

  /** The webhook does not want the event: the sender has done well, and there is no event. */
  #filter(entry: WebhookEntry, by: FilteredBy): void {
    const { metrics, namesAccepted, filterReports } = this.#context;
    metrics.filtered(entry);
    filterReports?.filtered(entry, this.#id, by);
    this.#body?.discard();
    this.#end(filteredResponse(entry.webhook.response, this.#id, namesAccepted), "filtered");
  }

  /** @param repeated the event that this one repeats: it gets the answer of the first one */
  #succeed(entry: WebhookEntry, repeated: Repeated | undefined): void {
    const { metrics, namesAccepted } = this.#context;
    const answer = answerOfOutput(this.#outputAnswer, namesAccepted ? this.#id : undefined);
    if (repeated === undefined) metrics.accepted(entry, this.#startedAt);
    else metrics.repeated(entry, repeated.repeat);
    const id = repeated?.duplicateOf ?? this.#id;
    const response = answer ?? acceptedResponse(entry.webhook.response, id, namesAccepted);
    this.#end(response, repeated?.repeat ?? "accepted");
  }

  async #fail(error: GatewayError): Promise<void> {
    if (this.#answered) return;
    this.#context.metrics.failed(this.#entry, error);
    this.#report(error);
    this.#context.deadlines.clear(this);
    this.#answered = true;
    if (error.code !== "body_timeout") await discardBody(this.#request);
    this.#end(refusalOfOutput(error, this.#outputAnswer, this.#id) ?? errorResponse(error, this.#id), error);
  }

  #report(error: GatewayError): void {
    this.#context.failures.report(error, this.#entry, this.#id, this.#request, this.#info);
  }

  #end(response: Response, outcome: string | GatewayError): void {
    this.#answered = true;
    const cors = this.#cors;
    if (cors !== undefined) addCors(response, cors, this.#request);
    this.#resolve?.(response);
    try {
      this.giveBackPlace();
      if (!this.#late) this.giveBackBody();
    } catch (bug) {
      this.#report(toGatewayError(bug));
    }
    const { status } = response;
    this.#context.metrics.answered(this, this.#entry, this.#id, this.#startedAt, status, outcome);
  }
}
