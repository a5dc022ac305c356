/**
 * Puts compiled webhooks into service: resolves their connections, takes hold of their outputs, and blocks what
 * cannot take requests now. What depends on a connection or on the system behind it comes and goes with that.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { OutputLease, OutputPool } from "../delivery/outputs/output_pool.ts";
import { type ErrorCode, GatewayError } from "../errors.ts";
import type { Catalog } from "./catalog.ts";
import { type AffectedWebhook, ChannelOwners } from "./channel_owners.ts";
import type { CompiledConnection } from "./compiled_connection.ts";
import type { CompiledWebhook } from "./compile/compiler.ts";
import type { Connections } from "./connection_catalog.ts";
import { BlockedWebhook, type CatalogEntry, WebhookEntry } from "./entry.ts";
import type { Findings } from "./findings.ts";
import { hasSameOutputs, inspectedOf, Inspections } from "./inspections.ts";
import { describeWebhook } from "../event/names.ts";
import { WebhookQuotas } from "./policy/quotas.ts";
import type { NamespaceShare } from "../policy/share.ts";
import type { ProblemCode, ProblemReason } from "./problem.ts";
import { SteppedWork } from "./stepped_work.ts";

const NOTHING: readonly never[] = [];

const BEYOND_QUOTA: readonly ProblemReason[] = [{
  code: "policy_forbids",
  path: "",
  message: "The namespace has as many older webhooks as the policy permits: see its 'limits.webhooks'",
}];

/** Seconds after which a sender should try again while a webhook cannot be served. */
const RETRY_AFTER_SECONDS = 10;

/** What blocked webhooks answer: one error for all, since each would keep a stack trace of its own. */
const BLOCKING_ERRORS = {
  webhook_misconfigured: blockingError("webhook_misconfigured"),
  secret_unavailable: blockingError("secret_unavailable"),
  connection_unresolved: blockingError("connection_unresolved"),
  webhook_disabled: new GatewayError("webhook_disabled"),
};

function blockingError(code: ErrorCode): GatewayError {
  return new GatewayError(code, undefined, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}

/** Problems of a webhook's surroundings: they are solved when those change, and the value need not. */
const PASSING_PROBLEMS: ReadonlySet<ProblemCode> = new Set([
  "connection_unresolved",
  "channel_taken",
  "output_mismatch",
  "handshake_awaited",
]);

/** Whether a problem is one of the value itself, which another value would not have. */
export function isOfValue({ code }: ProblemReason): boolean {
  return code === "output_mismatch" || !PASSING_PROBLEMS.has(code);
}

/** A webhook that is served without a secret that its configuration names: with the one that it is brought, if it was. */
function handshakeAwaited(path: string): ProblemReason {
  return {
    code: "handshake_awaited",
    path: "signature.secret",
    message: `Is missing: the provider brings it while cwm handshake ${path} --open 10m waits for it; ` +
      "once it was brought and shown, name it here",
  };
}

function channelTaken(channel: string): ProblemReason {
  return {
    code: "channel_taken",
    path: "module-config.channel_token",
    message:
      `Channel '${channel}' belongs to webhooks with other tokens: give it a token that they have, or ` +
      "name another channel",
  };
}

/** The newest value of a webhook, whose outputs are looked at. Another one is in service when they do not fit. */
interface Candidate {
  readonly webhook: CompiledWebhook;
  readonly revision: string;
  /** What was in service before it and fitted, if anything was. */
  readonly former: CompiledWebhook | undefined;
}

/** What is needed to put webhooks into service. */
export interface ServingOptions {
  readonly catalog: Catalog;
  readonly connections: Connections;
  readonly findings: Findings;
  readonly outputs: Pick<OutputPool, "acquire">;
  readonly logger: Logger;
  /** Whether the systems behind webhooks are looked at before there are events. @default true */
  readonly inspects?: boolean;
  /** Called whenever what a webhook's requests and events get has changed: its path, and the revision that removed it. */
  readonly onChange?: (path: string, removedAt?: string) => void;
  /** What the policy forbids of a webhook. @default nothing */
  readonly forbidden?: (
    path: string,
    webhook: CompiledWebhook,
    connections: readonly (CompiledConnection | undefined)[],
  ) => readonly ProblemReason[];
  /** How many webhooks a namespace may have. @default any number */
  readonly quotaOf?: (namespace: string) => number | undefined;
  /** What bounds the requests to a namespace. @default nothing */
  readonly shareOf?: (namespace: string) => NamespaceShare | undefined;
  /** Whether the problem of a webhook is that the policy forbids a newer value than the one in service. @default false */
  readonly forbidsNewer?: (path: string) => boolean;
  /** Called when nothing is wrong with a webhook's own value. */
  readonly clearProblems: (path: string, revision: string) => void;
  /** Called when what was found out about an output, or what took several turns, has been applied. */
  readonly onApplied: () => void;
}

/** The webhooks in service. Paths are `namespace/id`. */
export class Serving {
  readonly #options: ServingOptions;
  readonly #aloneByLease = new WeakMap<OutputLease, readonly OutputLease[]>();
  readonly #inspections: Inspections<Candidate>;
  readonly #channels = new ChannelOwners();
  /** Those that the policy keeps from being served. */
  readonly #stopped = new Set<string>();
  readonly #quotas: WebhookQuotas;
  readonly #work: SteppedWork;

  constructor(options: ServingOptions) {
    this.#options = options;
    this.#quotas = new WebhookQuotas(options.quotaOf ?? (() => undefined));
    this.#work = new SteppedWork((error) => {
      if (error !== undefined) options.logger.error("Serving webhooks again failed", { error });
      options.onApplied();
    });
    this.#inspections = new Inspections(
      (path, candidate, reasons) => this.#applyInspection(path, candidate, reasons),
      options.logger,
      options.onApplied,
    );
  }

  /** Takes a webhook out, since it is not configured any more. */
  remove(path: string, revision: string): void {
    this.#inspections.forget(path);
    this.#options.catalog.delete(path);
    this.#options.onChange?.(path, revision);
    this.#channels.set(path, [], "");
    this.#stopped.delete(path);
    this.#quotas.delete(path);
  }

  /**
   * Says whose the channels are of which webhooks came, went or have changed. To be called after every change. That
   * is decided at once; webhooks follow within some turns where very many are affected.
   */
  decideChannels(): void {
    this.serveAllAgain(this.#quotas.decide());
    this.#work.do(this.#followDecision(this.#channels.decide()));
  }

  *#followDecision(affected: Iterable<AffectedWebhook>): Generator<void> {
    for (const { path, revision } of affected) {
      this.serveAgain(path, revision);
      yield;
    }
  }

  /** Does steps that lead to webhooks being served; where there are very many, within some turns. */
  applyInTurns(steps: Iterator<void>): void {
    this.#work.do(steps);
  }

  /** Has the policy judge all webhooks again; where there are very many, within some turns. */
  judgeAllAgain(): void {
    this.#work.do(this.#judgeEach([...this.#options.catalog.entries()]));
  }

  *#judgeEach(entries: readonly CatalogEntry[]): Generator<void> {
    this.#quotas.clear();
    for (const { path, webhook, created } of entries) {
      if (webhook !== undefined) this.#quotas.add(path, created);
    }
    this.#quotas.decide();
    for (const { path } of entries) {
      const webhook = this.newest(path);
      if (webhook === undefined) continue;
      const entry = this.#options.catalog.find(path);
      if (entry instanceof WebhookEntry) entry.share = this.#options.shareOf?.(entry.namespace);
      const isForbidden = this.#quotas.exceeds(path) || this.forbidden(path, webhook).length > 0;
      if (isForbidden || this.#stopped.has(path)) this.serveAgain(path);
      yield;
    }
    yield* this.#followDecision(this.#channels.decide());
  }

  /** Whether the policy keeps the value from being served that was in service last. */
  isStopped(path: string): boolean {
    return this.#stopped.has(path);
  }

  /** What the policy forbids of a webhook, as its connections are. */
  forbidden(path: string, webhook: CompiledWebhook): readonly ProblemReason[] {
    const { forbidden } = this.#options;
    if (forbidden === undefined) return NOTHING;
    const resolved = this.#resolveSteps(webhook);
    return forbidden(path, webhook, "connections" in resolved ? resolved.connections : NOTHING);
  }

  /** Serves webhooks again whose connections may have changed; where there are very many, within some turns. */
  serveAllAgain(paths: Iterable<string>): void {
    this.#work.do(this.#serveEach(paths));
  }

  *#serveEach(paths: Iterable<string>): Generator<void> {
    for (const path of paths) {
      this.serveAgain(path);
      yield;
    }
  }

  /** Whether webhooks are yet to be served again. */
  get hasWork(): boolean {
    return this.#work.isOpen;
  }

  /** Resolves when all webhooks are served as decided. */
  settled(): Promise<void> {
    return this.#work.settled();
  }

  /** Resolves when the system behind every webhook has been looked at once, where its module can look. */
  inspected(): Promise<void> {
    return this.#inspections.settled();
  }

  /** Lets go of every output, at the end of the process. */
  async close(): Promise<void> {
    await this.#work[Symbol.asyncDispose]();
    for (const entry of this.#options.catalog.entries()) if (entry instanceof WebhookEntry) entry.retire();
    await this.#inspections.close();
  }

  /**
   * Serves a webhook again whose connections or channels may have changed.
   *
   * @param revision of its value, where that is known
   */
  serveAgain(path: string, revision = ""): void {
    const webhook = this.newest(path);
    if (webhook === undefined) return;
    const [problem] = this.#options.catalog.problemsOf(describeWebhook(path));
    // A webhook that serves its last good value keeps the problem of the newer one on record.
    const keepProblem = problem !== undefined && !PASSING_PROBLEMS.has(problem.code) &&
      (problem.code !== "policy_forbids" || this.#options.forbidsNewer?.(path) === true);
    this.serve(path, webhook, problem?.revision ?? revision, keepProblem);
  }

  /** Whether it is not known yet that the systems behind a webhook fit its newest value that could be compiled. */
  isLookedAt(path: string): boolean {
    return this.#inspections.subjectOf(path) !== undefined;
  }

  /** The newest value of a webhook that could be compiled, in service or not. */
  newest(path: string): CompiledWebhook | undefined {
    return this.#inspections.subjectOf(path)?.webhook ?? this.#options.catalog.find(path)?.webhook;
  }

  /**
   * Puts a compiled webhook into service, as far as its connection and `enabled` allow.
   *
   * @param created {@linkcode ConfigPut.created}; left out where that has not changed
   */
  serve(
    path: string,
    webhook: CompiledWebhook,
    revision: string,
    keepProblem = false,
    created?: number,
  ): void {
    created ??= this.#options.catalog.find(path)?.created ?? 0;
    this.#serve(path, webhook, revision, keepProblem, created);
    const entry = this.#options.catalog.find(path);
    if (entry !== undefined) entry.created = created;
  }

  #serve(
    path: string,
    webhook: CompiledWebhook,
    revision: string,
    keepProblem: boolean,
    created: number,
  ): void {
    this.#quotas.add(path, created);
    const forbidden = this.#quotas.exceeds(path) ? BEYOND_QUOTA : this.forbidden(path, webhook);
    if (forbidden.length > 0) return this.#stop(path, webhook, revision, forbidden, keepProblem);
    this.#stopped.delete(path);
    this.#channels.set(path, webhook.steps, revision, created);
    const channel = this.#channels.refusedChannel(path);
    if (channel !== undefined) {
      if (!keepProblem) {
        this.#options.findings.setProblems(describeWebhook(path), [channelTaken(channel)], revision);
      }
      this.#inspections.forget(path);
      const error = BLOCKING_ERRORS.webhook_misconfigured;
      this.#put(new BlockedWebhook(path, error, webhook, false, this.#options.catalog.find(path)));
      return;
    }
    const resolved = this.#resolveSteps(webhook);
    if ("unresolved" in resolved) {
      const { unresolved: message, path: place } = resolved;
      const reason: ProblemReason = { code: "connection_unresolved", path: place, message };
      if (!keepProblem) {
        this.#options.findings.setProblems(describeWebhook(path), [reason], revision, "nothing");
      }
      this.#inspections.forget(path);
      this.block(path, "connection_unresolved", webhook);
      return;
    }
    if (!keepProblem) this.#setOwnProblem(path, webhook, revision);
    if (!webhook.enabled) {
      this.#inspections.forget(path);
      this.block(path, "webhook_disabled", webhook);
      return;
    }
    this.#inspect(path, webhook, revision, resolved.connections);
    this.#enter(path, webhook, resolved.connections);
  }

  /** Takes a webhook out of service that the policy forbids. It is kept: another policy may permit it. */
  #stop(
    path: string,
    webhook: CompiledWebhook,
    revision: string,
    forbidden: readonly ProblemReason[],
    keepProblem: boolean,
  ): void {
    const key = describeWebhook(path);
    const reasons = keepProblem ? this.#options.catalog.problemsOf(key) : forbidden;
    this.#options.findings.setProblems(key, reasons, revision);
    this.#stopped.add(path);
    // What it must not have, nobody else has to do without.
    this.#channels.set(path, NOTHING, "");
    this.#inspections.forget(path);
    const error = BLOCKING_ERRORS.webhook_misconfigured;
    this.#put(new BlockedWebhook(path, error, webhook, false, this.#options.catalog.find(path)));
  }

  #setOwnProblem(path: string, { enabled, handshake }: CompiledWebhook, revision: string): void {
    const { findings, clearProblems } = this.#options;
    if (!enabled || handshake !== "awaited") return clearProblems(path, revision);
    findings.setProblems(describeWebhook(path), [handshakeAwaited(path)], revision, "last_good");
  }

  #enter(
    path: string,
    webhook: CompiledWebhook,
    connections: readonly (CompiledConnection | undefined)[],
  ): void {
    // The new hold is taken before the old one is let go, so that an unchanged connection stays open.
    const { outputs } = this.#options;
    const leases = webhook.steps.map(({ module, moduleConfig }, index) =>
      outputs.acquire(module, connections[index], moduleConfig, webhook.policy.targetRate)
    );
    const own = leases.length === 1 ? this.#alone(leases[0]!) : leases;
    this.#put(new WebhookEntry(path, webhook, own, this.#options.catalog.find(path)));
  }

  /** Begins to look at the systems behind a webhook that is about to be served. */
  #inspect(
    path: string,
    webhook: CompiledWebhook,
    revision: string,
    connections: readonly (CompiledConnection | undefined)[],
  ): void {
    const inspected = this.#options.inspects === false ? [] : inspectedOf(webhook.steps, connections);
    if (inspected.length === 0) return this.#inspections.forget(path);
    const entry = this.#options.catalog.find(path);
    const served = entry instanceof WebhookEntry && entry.webhook !== webhook ? entry.webhook : undefined;
    const candidate = this.#inspections.subjectOf(path);
    // What is in service fitted, or is looked at itself: then it is what was there before that counts.
    const former = served === undefined || served === candidate?.webhook ? candidate?.former : served;
    this.#inspections.follow(path, { webhook, revision, former }, inspected);
  }

  /** Takes a webhook out of service while its outputs do not fit, in favour of the value before, if it did. */
  #applyInspection(path: string, candidate: Candidate, reasons: readonly ProblemReason[]): void {
    const { webhook, revision, former } = candidate;
    const key = describeWebhook(path);
    // A newer value that could not be compiled has problems of its own, and so have secrets.
    const others = this.#options.catalog.problemsOf(key).filter(({ code }) => !PASSING_PROBLEMS.has(code));
    const newestRevision = others[0]?.revision ?? revision;
    if (reasons.length === 0) {
      if (others.length > 0) this.#options.findings.setProblems(key, others, newestRevision, "last_good");
      this.serve(path, webhook, revision, others.length > 0);
    } else {
      const connections = former === undefined
        ? undefined
        : this.#connectionsInPlaceOf(path, webhook, former);
      const serving = connections === undefined ? "nothing" : "last_good";
      this.#options.findings.setProblems(key, [...others, ...reasons], newestRevision, serving);
      if (former === undefined || connections === undefined) {
        this.block(path, "webhook_misconfigured", webhook);
      } else this.#enter(path, former, connections);
    }
  }

  /** The connections with which a former value can be served in place of one that does not fit, if it can. */
  #connectionsInPlaceOf(
    path: string,
    webhook: CompiledWebhook,
    former: CompiledWebhook,
  ): readonly (CompiledConnection | undefined)[] | undefined {
    // With the same outputs it does not fit any more either, and it may let in who knows a former secret.
    if (!former.enabled || hasSameOutputs(webhook.steps, former.steps)) return undefined;
    const resolved = this.#resolveSteps(former);
    if ("unresolved" in resolved) return undefined;
    return this.forbidden(path, former).length === 0 ? resolved.connections : undefined;
  }

  /** One array for all webhooks that have this output alone. */
  #alone(lease: OutputLease): readonly OutputLease[] {
    let alone = this.#aloneByLease.get(lease);
    if (alone === undefined) this.#aloneByLease.set(lease, alone = [lease]);
    return alone;
  }

  /** The connections of all outputs of a webhook, or what keeps the first one from being known. */
  #resolveSteps(
    { steps }: CompiledWebhook,
  ): { readonly connections: readonly (CompiledConnection | undefined)[] } | {
    readonly unresolved: string;
    readonly path: string;
  } {
    const connections: (CompiledConnection | undefined)[] = [];
    for (const [index, step] of steps.entries()) {
      const resolution = this.#options.connections.resolve(step);
      if ("unresolved" in resolution) {
        const path = steps.length === 1 ? "connection" : `chain.${index}.connection`;
        return { unresolved: resolution.unresolved, path };
      }
      connections.push(resolution.connection);
    }
    return { connections };
  }

  #put(entry: CatalogEntry): void {
    if (entry instanceof WebhookEntry) entry.share = this.#options.shareOf?.(entry.namespace);
    this.#options.catalog.put(entry);
    this.#options.onChange?.(entry.path);
  }

  /** Has requests to a webhook answered with an error, while its events wait. */
  block(path: string, code: keyof typeof BLOCKING_ERRORS, webhook?: CompiledWebhook): void {
    this.#put(
      new BlockedWebhook(path, BLOCKING_ERRORS[code], webhook, true, this.#options.catalog.find(path)),
    );
  }
}
