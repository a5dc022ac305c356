/**
 * What the catalog holds for one webhook: an entry that takes requests, or the error that they get.
 * Both are immutable; a change of configuration puts another one in their place.
 *
 * @module
 */

import type { OutputLease } from "../delivery/outputs/output_pool.ts";
import type { NamespaceShare } from "../policy/share.ts";
import { Holding } from "../time/fair_share.ts";
import { Pacer } from "../delivery/pacer.ts";
import { RateCounter } from "../time/rate.ts";
import { SenderMemory } from "../auth/sender_memory.ts";
import type { LaneKey } from "../journal/journal.ts";
import { Semaphore } from "../time/semaphore.ts";
import type { EventPayload } from "../filters/payload/payload.ts";
import type { StepRouting } from "../filters/routing.ts";
import type { DeliveryRoute, Idempotency, RouteStep } from "../delivery/route.ts";
import { assertCount, type GatewayError } from "../errors.ts";
import type { Acceptance } from "../modules/module.ts";
import type { CompiledWebhook } from "./compile/compiler.ts";

/**
 * The place of an entry, and what outlives the entry: the next one at its place takes it over. Only the path is
 * kept: the catalog has it anyway, and of a quarter of a million webhooks few are asked for their parts.
 */
class PlacedEntry {
  /** `namespace/id` */
  readonly path: string;
  /** When it was made, in an order of its backend; 0 where that is not known. */
  created: number;
  #holding: Holding | undefined;
  #rate: RateCounter | undefined;
  #memory: SenderMemory | undefined;
  #challengeRate: RateCounter | undefined;
  #pacer: Pacer | undefined;

  /** @param former the entry that this one takes the place of */
  constructor(path: string, former: PlacedEntry | undefined) {
    this.path = path;
    this.created = former?.created ?? 0;
    if (former === undefined) return;
    this.#holding = former.#holding;
    this.#rate = former.#rate;
    this.#memory = former.#memory;
    this.#challengeRate = former.#challengeRate;
    this.#pacer = former.#pacer;
  }

  /** How fast its deliveries begin; `undefined` where no rate was ever set. */
  get pacer(): Pacer | undefined {
    return this.#pacer;
  }

  /** Changes how many deliveries may begin in a second; `undefined` for any number. */
  protected setRate(perSecond: number | undefined): void {
    if (perSecond !== undefined) this.#pacer ??= new Pacer();
    this.#pacer?.setRate(perSecond);
  }

  /** What its requests hold of the bounds on what is under way. Made at the first request. */
  get holding(): Holding {
    return this.#holding ??= new Holding();
  }

  /** How much of its `rate_limit` is used. Made at the first request that is counted. */
  get rate(): RateCounter {
    return this.#rate ??= new RateCounter();
  }

  /** What its verifiers remember of its requests. Made at the first request that is remembered. */
  get memory(): SenderMemory {
    return this.#memory ??= new SenderMemory();
  }

  /** How many questions that anybody can ask were answered lately. Made at the first one. */
  get challengeRate(): RateCounter {
    return this.#challengeRate ??= new RateCounter();
  }

  get namespace(): string {
    return this.path.slice(0, this.path.indexOf("/"));
  }

  /** The webhook's id within its namespace. */
  get id(): string {
    return this.path.slice(this.path.indexOf("/") + 1);
  }
}

/**
 * A webhook that takes requests, and the route of its events. A request keeps the entry that it began with to
 * its end; events out of the journal take the entry of the moment.
 */
export class WebhookEntry extends PlacedEntry implements DeliveryRoute {
  readonly webhook: CompiledWebhook;
  /** What its namespace holds of what the policy lets it have; `undefined` where that has no bounds. */
  share: NamespaceShare | undefined;
  readonly #outputs: readonly OutputLease[];
  #steps: readonly RouteStep[] | undefined;
  #gate: Semaphore | undefined;
  #lane: LaneKey | undefined;
  #users = 0;
  #retired = false;

  /**
   * @param outputs one lease for each step of the webhook
   * @param former the entry that this one takes the place of: its requests count in the same share and rate
   */
  constructor(
    path: string,
    webhook: CompiledWebhook,
    outputs: readonly OutputLease[],
    former?: CatalogEntry,
  ) {
    super(path, former);
    this.webhook = webhook;
    this.#outputs = outputs;
    this.setRate(webhook.policy.rate);
    webhook.authenticator.hold();
  }

  /** Made at the first event: most of a quarter of a million webhooks are idle. */
  get steps(): readonly RouteStep[] {
    return this.#steps ??= this.webhook.steps.map((step, index) => ({
      name: step.name,
      output: this.#outputs[index]!,
      config: step.moduleConfig,
      ordered: step.module.ordered?.(step.moduleConfig) ?? false,
      batchKey: step.module.batchKey?.(step.moduleConfig) ?? "",
      retry: step.retry,
      payload: this.webhook.filters?.payloads[index],
    }));
  }

  /** What operators know its outputs by. */
  get outputNames(): readonly string[] {
    return this.#outputs.map(({ name }) => name);
  }

  /** The connections that they use, or the modules of those that use none. */
  get connectionNames(): readonly string[] {
    return this.#outputs.map(({ connection }) => connection);
  }

  /** The parts of its path, which are taken apart at the first event. */
  get lane(): LaneKey {
    return this.#lane ??= { namespace: this.namespace, webhook: this.id };
  }

  get routing(): StepRouting | undefined {
    return this.webhook.filters?.routing;
  }

  get acceptPayload(): EventPayload | undefined {
    return this.webhook.filters?.acceptPayload;
  }

  get acceptance(): Acceptance {
    return this.webhook.policy.acceptance;
  }

  get execution(): "sequential" | "parallel" {
    return this.webhook.policy.execution;
  }

  get continueOnError(): boolean {
    return this.webhook.policy.continueOnError;
  }

  get timeoutMs(): number {
    return this.webhook.policy.timeoutMs;
  }

  get concurrency(): number {
    return this.webhook.policy.concurrency;
  }

  get queue(): number {
    return this.webhook.policy.queue;
  }

  get idempotency(): Idempotency | undefined {
    return this.webhook.policy.idempotency;
  }

  /** The places for requests that wait for their delivery; `undefined` where the webhook has no bound. */
  get gate(): Semaphore | undefined {
    if (this.concurrency === Infinity) return undefined;
    return this.#gate ??= new Semaphore(this.concurrency, this.queue);
  }

  enter(): void {
    this.#users++;
  }

  leave(): void {
    this.#users = assertCount(this.#users - 1, "users of a webhook");
    if (this.#retired && this.#users === 0) this.#release();
  }

  /** Another entry has taken the place: let go of what it holds as soon as the last user has ended. */
  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    if (this.#users === 0) this.#release();
  }

  #release(): void {
    for (const output of this.#outputs) output.release();
    this.webhook.authenticator.letGo();
  }
}

/** A webhook that is configured but cannot take requests. */
export class BlockedWebhook extends PlacedEntry {
  readonly error: GatewayError;
  /** The compiled configuration, where only the connection is missing. */
  readonly webhook: CompiledWebhook | undefined;
  /** Whether what stands in the channels that it names can be drained meanwhile. */
  readonly hasChannels: boolean;

  /** @param former the entry that this one takes the place of, whose share and rate outlive it */
  constructor(
    path: string,
    error: GatewayError,
    webhook?: CompiledWebhook,
    hasChannels = true,
    former?: CatalogEntry,
  ) {
    super(path, former);
    this.error = error;
    this.webhook = webhook;
    this.hasChannels = hasChannels;
  }
}

export type CatalogEntry = WebhookEntry | BlockedWebhook;
