/**
 * The configuration in service. Providers report changes; the manager compiles them, resolves
 * connections, keeps the last good value where a new one is bad, and answers look-ups.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { OutputLease, OutputPool } from "../delivery/output_pool.ts";
import { GatewayError } from "../errors.ts";
import { Catalog } from "./catalog.ts";
import type { CompiledConnection } from "./compiled_connection.ts";
import { compileConnection, type CompileContext, type CompiledWebhook, compileWebhook } from "./compiler.ts";
import { Connections } from "./connections.ts";
import { BlockedWebhook, type CatalogEntry, WebhookEntry } from "./entry.ts";
import { Findings } from "./findings.ts";
import { hasSameOutputs, inspectedOf, Inspections } from "./inspections.ts";
import { type ConfigKey, describeKey, describeWebhook, webhookPath } from "./keys.ts";
import type { Compiled, ProblemCode, ProblemReason, WarningReason } from "./problem.ts";
import type { ConfigChange, ConfigPut, ConfigSink } from "./provider.ts";
import { SecretBindings } from "./secret_bindings.ts";
import type { SecretLookup } from "./secret_lookup.ts";

/** How long findings may wait to be logged, in milliseconds. */
const LONGEST_QUIET_MS = 5_000;

/** Seconds after which a sender should try again while a webhook cannot be served. */
const RETRY_AFTER_SECONDS = 10;

/** Why values are applied: they are new, or a secret that they refer to is. */
type Cause = "configuration" | "secrets";

/** The arguments of the warning that the gateway's settings let namespaces read each other's secrets. */
const VAULT_IS_SHARED: Parameters<Findings["setWarnings"]> = ["VAULT_PATHS", [{
  code: "vault_paths_unset",
  path: "",
  message:
    "It is not set, and there are several namespaces: whoever writes webhooks of one can read the secrets " +
    "of all in Vault. Set it to patterns such as teams/{namespace}",
}], ""];

type ConnectionKey = Extract<ConfigKey, { kind: "connection" }>;

/** What the manager needs. */
export interface ConfigManagerOptions {
  readonly outputs: Pick<OutputPool, "acquire">;
  readonly compile: CompileContext;
  /** What references to secrets are looked up in; left out, each of them is a problem. */
  readonly secrets?: SecretLookup;
  readonly logger: Logger;
  /** Whether the systems behind webhooks are looked at before there are events. @default true */
  readonly inspects?: boolean;
  /** Called whenever what a webhook's requests and events get has changed. @param path `namespace/id` */
  readonly onChange?: (path: string) => void;
}

/** Problems of a webhook's surroundings: they are solved when those change, and the value need not. */
const PASSING_PROBLEMS: ReadonlySet<ProblemCode> = new Set(["connection_unresolved", "output_mismatch"]);

/** The newest value of a webhook, whose outputs are looked at. Another one is in service when they do not fit. */
interface Candidate {
  readonly webhook: CompiledWebhook;
  readonly revision: string;
  /** What was in service before it and fitted, if anything was. */
  readonly former: CompiledWebhook | undefined;
}

/** The sink of a provider, and what requests look webhooks up in. */
export class ConfigManager implements ConfigSink {
  readonly catalog = new Catalog();
  readonly #connections = new Connections();
  readonly #aloneByLease = new WeakMap<OutputLease, readonly OutputLease[]>();
  readonly #options: ConfigManagerOptions;
  readonly #compile: CompileContext;
  readonly #findings: Findings;
  readonly #inspections: Inspections<Candidate>;
  readonly #secrets: SecretBindings | undefined;
  /** Since when findings are not logged, in milliseconds of `performance.now()`. */
  #quietSince: number | undefined;

  constructor(options: ConfigManagerOptions) {
    this.#options = options;
    this.#findings = new Findings(this.catalog, options.logger);
    const { compile, secrets, logger } = options;
    this.#inspections = new Inspections(
      (path, candidate, reasons) => this.#applyInspection(path, candidate, reasons),
      logger,
    );
    this.#compile = secrets === undefined ? compile : { ...compile, secrets };
    if (secrets === undefined) return;
    this.#secrets = new SecretBindings({
      secrets,
      apply: (puts) => this.#apply(puts, "secrets"),
      onApplied: () => this.#logFindings(),
      logger,
    });
  }

  /** @param path `namespace/id` */
  find(path: string): CatalogEntry | undefined {
    return this.catalog.find(path);
  }

  /** The webhooks and connections in service. */
  get size(): { readonly webhooks: number; readonly connections: number } {
    return { webhooks: this.catalog.size, connections: this.#connections.size };
  }

  /** The connections in service, those that webhooks hold themselves included. Their settings hold secrets. */
  *connections(): Iterable<CompiledConnection> {
    yield* this.#connections.values();
    yield* this.#connections.own();
  }

  apply(changes: readonly ConfigChange[]): void {
    this.#apply(changes, "configuration");
    this.#logFindings();
  }

  #apply(changes: readonly ConfigChange[], cause: Cause): void {
    // Connections first, so that a webhook that comes with its connection finds it.
    const dependents = new Set<string>();
    for (const change of changes) {
      const { key } = change;
      if (key.kind === "connection") this.#applyConnection(key, change, cause, dependents);
    }
    for (const change of changes) {
      const { key } = change;
      if (key.kind !== "webhook") continue;
      const path = webhookPath(key.namespace, key.id);
      this.#applyWebhook(path, key.namespace, change, cause);
      dependents.delete(path);
    }
    for (const path of dependents) this.#resolveAgain(path);
  }

  /** What may only be wrong because a secret is still being read is logged when that is known. */
  #logFindings(): void {
    if (this.waitsForSecrets) {
      this.#quietSince ??= performance.now();
      if (performance.now() - this.#quietSince < LONGEST_QUIET_MS) return;
    }
    this.#quietSince = undefined;
    this.#findings.log();
  }

  reportSource(
    source: string,
    problem: ProblemReason | undefined,
    revision: string,
    serving: "last_good" | "nothing" = "nothing",
  ): void {
    this.#findings.setProblems(source, problem === undefined ? [] : [problem], revision, serving);
    this.#findings.log();
  }

  /** Whether an entry waits for a secret that is read for the first time. */
  get waitsForSecrets(): boolean {
    return this.#secrets?.isWaiting === true;
  }

  /**
   * Resolves when each secret in use was asked for, and what came of it is applied.
   *
   * @throws {DOMException} `AbortError`, or the reason that the signal was given, when it aborts first
   */
  async secretsSettled(signal: AbortSignal): Promise<void> {
    await this.#secrets?.settled(signal);
  }

  /**
   * Reads all secrets again. Resolves when what came of it is applied.
   *
   * @throws {DOMException} `AbortError`, or the reason that the signal was given, when it aborts first
   */
  async reloadSecrets(signal: AbortSignal): Promise<void> {
    await this.#secrets?.reload(signal);
  }

  /** Resolves when the system behind every webhook has been looked at once, where its module can look. */
  inspected(): Promise<void> {
    return this.#inspections.settled();
  }

  /** Lets go of every output, at the end of the process. */
  async close(): Promise<void> {
    this.#secrets?.[Symbol.dispose]();
    for (const entry of this.catalog.entries()) if (entry instanceof WebhookEntry) entry.retire();
    await this.#inspections.close();
  }

  #applyConnection(
    key: ConnectionKey,
    change: ConfigChange,
    cause: Cause,
    dependents: Set<string>,
  ): void {
    const former = this.#connections.get(key.name);
    const described = describeKey(key);
    if ("deleted" in change) {
      this.#findings.setProblems(described, [], change.revision);
      this.#findings.setWarnings(described, [], change.revision);
      this.#secrets?.unbind(described);
      this.#connections.set(key.name, undefined);
    } else {
      const compiled = compilePut(change, (json) => compileConnection(key.name, json, this.#compile));
      if (this.#isInService(() => described, change, compiled, cause)) return;
      this.#findings.setWarnings(described, compiled.warnings ?? [], change.revision);
      if ("problems" in compiled) {
        if (compiled.problems.length === 0) return; // A secret is being read: it is compiled again with it.
        const serving = former === undefined ? "nothing" : "last_good";
        this.#findings.setProblems(described, compiled.problems, change.revision, serving);
        return;
      }
      this.#setStale(described, change.revision);
      this.#connections.set(key.name, compiled.value);
    }
    const types = [former, this.#connections.get(key.name)].flatMap((connection) => connection?.type ?? []);
    for (const path of this.#connections.dependents(key.name, types)) dependents.add(path);
  }

  #applyWebhook(path: string, namespace: string, change: ConfigChange, cause: Cause): void {
    const former = this.catalog.find(path);
    const newest = this.#newest(path);
    if ("deleted" in change) {
      if (newest !== undefined) this.#connections.untrack(path, newest);
      this.#inspections.forget(path);
      this.catalog.delete(path);
      this.#options.onChange?.(path);
      this.#secrets?.unbind(describeWebhook(path));
      this.#clearWebhookProblems(path);
      this.#setWebhookWarnings(path, [], change.revision);
      return;
    }
    if (this.#secrets?.isVaultSharedBy(namespace) === true) this.#findings.setWarnings(...VAULT_IS_SHARED);
    const compiled = compilePut(change, (json) => compileWebhook(json, this.#compile, namespace));
    if (this.#isInService(() => describeWebhook(path), change, compiled, cause)) return;
    this.#setWebhookWarnings(path, compiled.warnings ?? [], change.revision);
    if ("problems" in compiled) {
      this.#refuseWebhook(path, former, compiled.problems, change.revision);
      return;
    }
    if (newest !== undefined) this.#connections.untrack(path, newest);
    this.#connections.track(path, compiled.value);
    this.#serve(path, compiled.value, change.revision);
  }

  /** @param problems none while a secret is read for the first time */
  #refuseWebhook(
    path: string,
    former: CatalogEntry | undefined,
    problems: readonly ProblemReason[],
    revision: string,
  ): void {
    const serving = former?.webhook === undefined ? "nothing" : "last_good";
    if (problems.length > 0) {
      this.#findings.setProblems(describeWebhook(path), problems, revision, serving);
    }
    if (serving === "last_good") return;
    const isForSecrets = problems.every(({ code }) => code === "secret_unavailable");
    this.#block(path, isForSecrets ? "secret_unavailable" : "webhook_misconfigured");
  }

  /**
   * Takes note of the secrets of a value. Returns whether that very value is in service with these very
   * secrets, so that there is nothing to do but to say whether they may be outdated.
   */
  #isInService(describe: () => string, put: ConfigPut, compiled: Compiled<unknown>, cause: Cause): boolean {
    if (this.#secrets === undefined) return false;
    if (compiled.secrets === undefined && !this.#secrets.hasAny) return false;
    const key = describe();
    const isInService = cause === "secrets" && this.#secrets.isInService(key, put, compiled);
    this.#secrets.bind(key, put, compiled);
    if (cause === "configuration") this.#secrets.renew(compiled);
    if (!isInService) return false;
    const [problem] = this.catalog.problemsOf(key);
    if (problem === undefined || problem.code === "secret_unavailable") this.#setStale(key, put.revision);
    return true;
  }

  /** The only problem of a value in service is that its secrets may be outdated. */
  #setStale(key: string, revision: string): void {
    this.#findings.setProblems(key, this.#secrets?.staleOf(key) ?? [], revision, "last_good");
  }

  #resolveAgain(path: string): void {
    const webhook = this.#newest(path);
    if (webhook === undefined) return;
    const [problem] = this.catalog.problemsOf(describeWebhook(path));
    // A webhook that serves its last good value keeps the problem of the newer one on record.
    const keepProblem = problem !== undefined && !PASSING_PROBLEMS.has(problem.code);
    this.#serve(path, webhook, problem?.revision ?? "", keepProblem);
  }

  /** The newest value of a webhook that could be compiled, in service or not. */
  #newest(path: string): CompiledWebhook | undefined {
    return this.#inspections.subjectOf(path)?.webhook ?? this.catalog.find(path)?.webhook;
  }

  /** Puts a compiled webhook into service, as far as its connection and `enabled` allow. */
  #serve(path: string, webhook: CompiledWebhook, revision: string, keepProblem = false): void {
    const resolved = this.#resolveSteps(webhook);
    if ("unresolved" in resolved) {
      const { unresolved: message, path: place } = resolved;
      const reason: ProblemReason = { code: "connection_unresolved", path: place, message };
      if (!keepProblem) this.#findings.setProblems(describeWebhook(path), [reason], revision, "nothing");
      this.#inspections.forget(path);
      this.#block(path, "connection_unresolved", webhook);
      return;
    }
    if (!keepProblem) this.#clearWebhookProblems(path, revision);
    if (!webhook.enabled) {
      this.#inspections.forget(path);
      this.#block(path, "webhook_disabled", webhook);
      return;
    }
    this.#inspect(path, webhook, revision, resolved.connections);
    this.#enter(path, webhook, resolved.connections);
  }

  #enter(
    path: string,
    webhook: CompiledWebhook,
    connections: readonly (CompiledConnection | undefined)[],
  ): void {
    // The new hold is taken before the old one is let go, so that an unchanged connection stays open.
    const { outputs } = this.#options;
    const leases = webhook.steps.map(({ module, moduleConfig }, index) =>
      outputs.acquire(module, connections[index], moduleConfig)
    );
    this.#put(new WebhookEntry(path, webhook, leases.length === 1 ? this.#alone(leases[0]!) : leases));
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
    const entry = this.catalog.find(path);
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
    const others = this.catalog.problemsOf(key).filter(({ code }) => !PASSING_PROBLEMS.has(code));
    if (reasons.length === 0) {
      if (others.length > 0) this.#findings.setProblems(key, others, revision, "last_good");
      this.#serve(path, webhook, revision, others.length > 0);
    } else {
      const connections = former === undefined ? undefined : this.#connectionsInPlaceOf(webhook, former);
      const serving = connections === undefined ? "nothing" : "last_good";
      this.#findings.setProblems(key, [...others, ...reasons], revision, serving);
      if (former === undefined || connections === undefined) {
        this.#block(path, "webhook_misconfigured", webhook);
      } else this.#enter(path, former, connections);
    }
    this.#logFindings();
  }

  /** The connections with which a former value can be served in place of one that does not fit, if it can. */
  #connectionsInPlaceOf(
    webhook: CompiledWebhook,
    former: CompiledWebhook,
  ): readonly (CompiledConnection | undefined)[] | undefined {
    // With the same outputs it does not fit any more either, and it may let in who knows a former secret.
    if (!former.enabled || hasSameOutputs(webhook.steps, former.steps)) return undefined;
    const resolved = this.#resolveSteps(former);
    return "connections" in resolved ? resolved.connections : undefined;
  }

  /** One array for all webhooks that have this output alone. */
  #alone(lease: OutputLease): readonly OutputLease[] {
    let alone = this.#aloneByLease.get(lease);
    if (alone === undefined) this.#aloneByLease.set(lease, alone = [lease]);
    return alone;
  }

  /** The connections of all outputs of a webhook, or what keeps the first one from being told. */
  #resolveSteps(
    { steps }: CompiledWebhook,
  ): { readonly connections: readonly (CompiledConnection | undefined)[] } | {
    readonly unresolved: string;
    readonly path: string;
  } {
    const connections: (CompiledConnection | undefined)[] = [];
    for (const [index, step] of steps.entries()) {
      const resolution = this.#connections.resolve(step);
      if ("unresolved" in resolution) {
        const path = steps.length === 1 ? "connection" : `chain.${index}.connection`;
        return { unresolved: resolution.unresolved, path };
      }
      connections.push(resolution.connection);
    }
    return { connections };
  }

  #put(entry: CatalogEntry): void {
    this.catalog.put(entry);
    this.#options.onChange?.(entry.path);
  }

  #block(
    path: string,
    code: "webhook_misconfigured" | "secret_unavailable" | "connection_unresolved" | "webhook_disabled",
    webhook?: CompiledWebhook,
  ): void {
    const options = code === "webhook_disabled" ? {} : { retryAfterSeconds: RETRY_AFTER_SECONDS };
    this.#put(new BlockedWebhook(path, new GatewayError(code, undefined, options), webhook));
  }

  #clearWebhookProblems(path: string, revision = ""): void {
    // Not even the description is made up while nothing is wrong anywhere, as is the rule.
    if (this.catalog.hasProblems || this.#secrets?.hasAny === true) {
      this.#setStale(describeWebhook(path), revision);
    }
  }

  #setWebhookWarnings(path: string, warnings: readonly WarningReason[], revision: string): void {
    if (warnings.length === 0 && !this.catalog.hasWarnings) return;
    this.#findings.setWarnings(describeWebhook(path), warnings, revision);
  }
}

function compilePut<Value>(change: ConfigPut, compile: (json: unknown) => Compiled<Value>): Compiled<Value> {
  return "problem" in change.value ? { problems: [change.value.problem] } : compile(change.value.json);
}
