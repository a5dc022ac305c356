/**
 * The configuration in service. Providers report changes; the manager compiles them, keeps the last good
 * value where a new one is bad, and answers look-ups.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { OutputPool } from "../delivery/outputs/output_pool.ts";
import type { HealthReports } from "../health/health.ts";
import type { Audit } from "../access/audit_trail.ts";
import { ChangeAudit } from "./audit/change_audit.ts";
import { AwaitedLanguages } from "../filters/awaited_languages.ts";
import { forbiddenIn } from "./policy/judge.ts";
import { NO_POLICY, PolicyInForce } from "./policy/in_force.ts";
import { Catalog } from "./catalog.ts";
import type { CompiledConnection } from "./compiled_connection.ts";
import {
  compileConnection,
  type CompileContext,
  type CompiledWebhook,
  compileWebhook,
} from "./compile/compiler.ts";
import { Connections } from "./connection_catalog.ts";
import type { CatalogEntry } from "./entry.ts";
import {
  DEFAULT_IS_OFF,
  Findings,
  NOT_NOTIFIED,
  NOTIFIED_IS_MISSING,
  type PlaceOf,
  VAULT_IS_SHARED,
} from "./findings.ts";
import {
  type BackendKey,
  type ConfigKey,
  DEFAULT_WEBHOOK_ID,
  describeKey,
  describeWebhook,
  webhookPath,
} from "../event/names.ts";
import type { Compiled, ProblemReason, WarningReason } from "./problem.ts";
import type { ConfigChange, ConfigPut, ConfigSink, Standing } from "./provider.ts";
import { SecretBindings } from "./secrets/bindings.ts";
import type { SecretLookup } from "./secrets/lookup.ts";
import { isOfValue, Serving } from "./serving.ts";

/** How long findings may wait to be logged, in milliseconds. */
const MAX_QUIET_MS = 5_000;

/** Why values are applied: they are new, or a secret that they refer to is. */
type Cause = "configuration" | "secrets";

const NOTHING: readonly never[] = [];

type ConnectionKey = Extract<ConfigKey, { kind: "connection" }>;

/** A connection that has come, gone or changed. */
interface ChangedConnection {
  readonly name: string;
  /** Before and after. */
  readonly types: readonly string[];
}

/** The provider and the parts of the gateway that a {@linkcode ConfigManager} connects. */
export interface ConfigManagerOptions {
  readonly outputs: Pick<OutputPool, "acquire">;
  readonly compile: CompileContext;
  /** What references to secrets are looked up in; left out, each of them is a problem. */
  readonly secrets?: SecretLookup;
  readonly logger: Logger;
  /** Says in the log where something stands. @default nothing is said */
  readonly placeOf?: PlaceOf;
  /** Where changes are recorded. @default the logger */
  readonly audit?: Audit;
  /** Whether the systems behind webhooks are looked at before there are events. @default true */
  readonly inspects?: boolean;
  /** Whether a webhook `default` gets a warning that it takes no requests to other webhooks. @default false */
  readonly warnsOfDefault?: boolean;
  /** Where problems are reported as troubles. @default nowhere */
  readonly health?: HealthReports;
  /** `namespace/id` of the webhook that is to get notices. @default none */
  readonly notifyWebhook?: string | undefined;
  /** Called whenever what a webhook's requests and events get has changed: its path, and the revision that removed it. */
  readonly onChange?: (path: string, removedAt?: string) => void;
}

/** The sink of a provider, and what requests look webhooks up in. */
export class ConfigManager implements ConfigSink {
  readonly catalog = new Catalog();
  readonly policy = new PolicyInForce();
  readonly #connections = new Connections();
  readonly audit: ChangeAudit;
  readonly #compile: CompileContext;
  readonly #findings: Findings;
  readonly #serving: Serving;
  readonly #secrets: SecretBindings | undefined;
  readonly #warnsOfDefault: boolean;
  readonly #notifyWebhook: string | undefined;
  readonly #awaited: AwaitedLanguages<ConfigChange>;
  /** The newest values that the policy forbids: another policy may permit them. */
  readonly #forbidden = new Map<string, ConfigPut>();
  /** Since when findings are not logged, in milliseconds of `performance.now()`. */
  #quietSince: number | undefined;

  constructor(options: ConfigManagerOptions) {
    this.#findings = new Findings(this.catalog, options.logger, options.placeOf, options.health);
    const { compile, secrets, logger } = options;
    this.audit = new ChangeAudit(options.audit ?? logger);
    const rulesOf = (namespace: string) => this.policy.rulesOf(namespace);
    this.#serving = new Serving({
      ...options,
      catalog: this.catalog,
      connections: this.#connections,
      findings: this.#findings,
      clearProblems: (path, revision) => this.#clearWebhookProblems(path, revision),
      onApplied: () => this.#logFindings(),
      forbidden: (path, webhook, connections) => {
        const rules = this.policy.rulesOf(path.slice(0, path.indexOf("/")));
        return rules === undefined ? NOTHING : forbiddenIn(webhook, connections, rules);
      },
      quotaOf: (namespace) => this.policy.quotaOf(namespace),
      shareOf: (namespace) => this.policy.shareOf(namespace),
      forbidsNewer: (path) => this.#forbidden.has(path),
    });
    this.#awaited = new AwaitedLanguages(logger, (puts) => {
      this.#apply(puts, "configuration");
      this.#serving.decideChannels();
    }, () => this.#logFindings());
    this.#warnsOfDefault = options.warnsOfDefault === true;
    this.#notifyWebhook = options.notifyWebhook;
    this.#compile = { ...compile, rulesOf, ...(secrets === undefined ? {} : { secrets }) };
    if (secrets === undefined) return;
    this.#secrets = new SecretBindings({
      secrets,
      apply: (puts) => {
        this.#apply(puts, "secrets");
        this.#serving.decideChannels();
      },
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

  /** The names of the connections that a webhook uses, those that it names and that are not there included. */
  connectionsOf({ webhook }: CatalogEntry): readonly string[] {
    return (webhook?.steps ?? []).flatMap((step) => {
      const resolution = this.#connections.resolve(step);
      const name = "connection" in resolution ? resolution.connection?.name : step.connectionName;
      return name ?? [];
    });
  }

  apply(changes: readonly ConfigChange[], moreFollow = false): void {
    this.#apply(changes, "configuration");
    if (moreFollow) return;
    this.#serving.decideChannels();
    this.#lookForNotified();
    this.#logFindings();
  }

  /** Has everything judged again that another policy may concern. */
  #applyPolicy(change: ConfigChange): void {
    const reading = "deleted" in change ? this.policy.lose() : this.policy.read(change.value);
    this.#findings.setWarnings("policy", [], change.revision);
    this.#findings.setProblems("policy", reading.problems, change.revision, this.policy.serving);
    if (!reading.isNew) return;
    // What must not be served any more, first.
    this.#serving.judgeAllAgain();
    this.#serving.applyInTurns(this.#applyForbiddenAgain());
  }

  *#applyForbiddenAgain(): Generator<void> {
    for (const [path, put] of [...this.#forbidden]) {
      // Another value, or none, may have taken its place meanwhile.
      if (this.#forbidden.get(path) === put && put.key.kind === "webhook") {
        this.#applyWebhook(path, put.key.namespace, put, "configuration");
      }
      yield;
    }
    this.#serving.decideChannels();
  }

  #apply(changes: readonly ConfigChange[], cause: Cause): void {
    for (const change of changes) if (change.key.kind === "policy") this.#applyPolicy(change);
    // Connections first, so that a webhook that comes with its connection finds it.
    const connections: ChangedConnection[] = [];
    for (const change of changes) {
      const { key } = change;
      if (key.kind !== "connection") continue;
      const types = this.#applyConnection(key, change, cause);
      if (types !== undefined) connections.push({ name: key.name, types });
    }
    const applied = new Set<string>();
    for (const change of changes) {
      const { key } = change;
      if (key.kind !== "webhook") continue;
      const path = webhookPath(key.namespace, key.id);
      if (this.#awaited.holdsBack(path, change, jsonOf(change), isFormer(change))) continue;
      this.#applyWebhook(path, key.namespace, change, cause);
      if (connections.length > 0) applied.add(path);
    }
    if (connections.length > 0) this.#serving.serveAllAgain(this.#dependents(connections, applied));
  }

  /** The webhooks that connections have changed for, but for those that were applied with them. */
  *#dependents(
    connections: readonly ChangedConnection[],
    applied: ReadonlySet<string>,
  ): Generator<string, void> {
    for (const { name, types } of connections) {
      for (const path of this.#connections.dependents(name, types)) if (!applied.has(path)) yield path;
    }
  }

  /** What may only be wrong because a secret is still being read, or a webhook not yet served, is logged when that is known. */
  #logFindings(): void {
    if (this.waitsForSecrets || this.#serving.hasWork || this.#awaited.isWaiting) {
      this.#quietSince ??= performance.now();
      if (performance.now() - this.#quietSince < MAX_QUIET_MS) return;
    }
    this.#quietSince = undefined;
    this.#findings.log();
  }

  reportSource(
    source: string,
    problem: ProblemReason | undefined,
    revision: string,
    serving: "last_good" | "nothing" = "nothing",
    moreFollow = false,
  ): void {
    this.#findings.setProblems(source, problem === undefined ? [] : [problem], revision, serving);
    if (!moreFollow) this.#logFindings();
  }

  standing(key: BackendKey): Standing {
    const described = describeKey(key);
    const path = key.kind === "webhook" ? webhookPath(key.namespace, key.id) : undefined;
    if (path !== undefined && this.#awaited.holds(path)) return "unknown";
    const problems = this.catalog.problemsOf(described).filter(isOfValue);
    if (problems.length === 0) {
      return path !== undefined && this.#serving.isLookedAt(path) ? "unknown" : "served";
    }
    if (problems.every(({ code }) => code === "secret_unavailable")) return "unknown";
    if (problems[0]?.serving === "last_good") return "former";
    // An older value may be served as soon as its secrets are read.
    return this.#secrets?.lastGoodOf(described) === undefined ? "nothing" : "unknown";
  }

  /** Whether an entry waits for a secret that is read for the first time. */
  get waitsForSecrets(): boolean {
    return this.#secrets?.isWaiting === true;
  }

  /**
   * Resolves when each secret in use was asked for, and what came of it is applied, and so are webhooks with
   * expressions.
   *
   * @throws {DOMException} `AbortError`, or the reason that the signal was given, when it aborts first
   */
  async secretsSettled(signal: AbortSignal): Promise<void> {
    await this.#awaited.settled();
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

  /** Resolves when all webhooks are served as configured: where a change affects very many, they follow within some turns. */
  async settled(): Promise<void> {
    await this.#awaited.settled();
    await this.#serving.settled();
  }

  /** Resolves when the system behind every webhook has been looked at once, where its module can look. */
  inspected(): Promise<void> {
    return this.#serving.inspected();
  }

  /** Lets go of every output, at the end of the process. */
  async close(): Promise<void> {
    this.#secrets?.[Symbol.dispose]();
    await this.#serving.close();
  }

  /** Returns the types of the connection before and after; nothing where the same one stays in service. */
  #applyConnection(
    key: ConnectionKey,
    change: ConfigChange,
    cause: Cause,
  ): readonly string[] | undefined {
    const former = this.#connections.get(key.name);
    const described = describeKey(key);
    if ("deleted" in change) {
      this.audit.deleted(described, change);
      this.#findings.forget(described);
      this.#findings.setWarnings(described, [], change.revision);
      this.#secrets?.unbind(described);
      this.#connections.set(key.name, undefined);
    } else {
      const compile = (json: unknown) => compileConnection(key.name, json, this.#compile);
      const compiled = compilePut(change, compile);
      this.#audit(described, change, compiled, cause, former !== undefined);
      if (this.#isInService(() => described, change, compiled, cause)) return undefined;
      this.#findings.setWarnings(described, compiled.warnings ?? [], change.revision);
      if ("problems" in compiled) {
        const lastGood = this.#lastGoodAgain(described, cause, compile);
        const serving = former === undefined && lastGood === undefined ? "nothing" : "last_good";
        this.#findings.setProblems(described, compiled.problems, change.revision, serving);
        if (lastGood === undefined) return undefined;
        this.#connections.set(key.name, lastGood);
      } else {
        this.#setStale(described, change.revision);
        this.#connections.set(key.name, compiled.value);
      }
    }
    return [former, this.#connections.get(key.name)].flatMap((connection) => connection?.type ?? []);
  }

  #applyWebhook(path: string, namespace: string, change: ConfigChange, cause: Cause): void {
    const former = this.catalog.find(path);
    const newest = this.#serving.newest(path);
    if ("deleted" in change) {
      this.#forbidden.delete(path);
      if (newest !== undefined) this.#connections.untrack(path, newest);
      this.#serving.remove(path, change.revision);
      this.#secrets?.unbind(describeWebhook(path));
      this.audit.deleted(describeWebhook(path), change);
      this.#findings.forget(describeWebhook(path));
      this.#setWebhookWarnings(path, [], change.revision);
      return;
    }
    if (this.#secrets?.isVaultSharedBy(namespace) === true) this.#findings.setWarnings(...VAULT_IS_SHARED);
    if (this.policy.isMissedBy(namespace)) this.#findings.setWarnings(...NO_POLICY);
    const compiled = this.#judged(
      path,
      compilePut(change, (json) => compileWebhook(json, this.#compile, namespace)),
    );
    const isForbidden = "problems" in compiled &&
      compiled.problems.some(({ code }) => code === "policy_forbids");
    if (isForbidden) this.#forbidden.set(path, change);
    else if (this.#forbidden.size > 0) this.#forbidden.delete(path);
    this.#audit(describeWebhook(path), change, compiled, cause, former?.webhook !== undefined);
    if (this.#isInService(() => describeWebhook(path), change, compiled, cause)) return;
    const doubts = [...this.#doubtsAboutDefault(change), ...this.#doubtsAboutNotify(path, compiled)];
    const warnings = [...compiled.warnings ?? [], ...doubts];
    this.#setWebhookWarnings(path, warnings, change.revision);
    if ("problems" in compiled) {
      const compile = (json: unknown) => compileWebhook(json, this.#compile, namespace);
      const lastGood = this.#lastGoodAgain(describeWebhook(path), cause, compile);
      this.#refuseWebhook(path, former?.webhook ?? lastGood, compiled.problems, change.revision);
      if (lastGood !== undefined) this.#serve(path, newest, lastGood, change, true);
      return;
    }
    this.#serve(path, newest, compiled.value, change);
  }

  /** What is compiled again for its secrets, and what stands in for a newer value, is no change. */
  #audit(key: string, put: ConfigPut, compiled: Compiled<unknown>, cause: Cause, hasFormer: boolean): void {
    if (cause !== "configuration" || put.isFormer === true) return;
    const problems = "problems" in compiled ? compiled.problems : [];
    this.audit.put(key, put, problems, hasFormer ? "last_good" : "nothing");
  }

  /** A value that the policy forbids is as bad as one that does not compile. */
  #judged(path: string, compiled: Compiled<CompiledWebhook>): Compiled<CompiledWebhook> {
    if (!("value" in compiled) || !this.policy.isThere) return compiled;
    const problems = this.#serving.forbidden(path, compiled.value);
    if (problems.length === 0) return compiled;
    const { value: _, ...rest } = compiled;
    return { ...rest, problems };
  }

  #serve(
    path: string,
    newest: CompiledWebhook | undefined,
    webhook: CompiledWebhook,
    { revision, created }: ConfigPut,
    keepProblem = false,
  ): void {
    if (newest !== undefined) this.#connections.untrack(path, newest);
    this.#connections.track(path, webhook);
    this.#serving.serve(path, webhook, revision, keepProblem, created);
  }

  /** The value in service in the place of one that has a problem, if its own secrets have changed. */
  #lastGoodAgain<Value>(
    key: string,
    cause: Cause,
    compile: (json: unknown) => Compiled<Value>,
  ): Value | undefined {
    const put = cause === "secrets" ? this.#secrets?.lastGoodOf(key) : undefined;
    const compiled = put === undefined ? undefined : compilePut(put, compile);
    if (compiled === undefined || "problems" in compiled) return undefined;
    return this.#secrets?.bindLastGood(key, compiled) === true ? compiled.value : undefined;
  }

  #doubtsAboutDefault({ key, isBuiltIn }: ConfigPut): readonly WarningReason[] {
    const isDefault = key.kind === "webhook" && key.id === DEFAULT_WEBHOOK_ID;
    return isDefault && isBuiltIn !== true && this.#warnsOfDefault ? DEFAULT_IS_OFF : [];
  }

  #doubtsAboutNotify(path: string, compiled: Compiled<CompiledWebhook>): readonly WarningReason[] {
    const wantsNotices = "value" in compiled && compiled.value.notify !== undefined;
    return wantsNotices && path !== this.#notifyWebhook ? NOT_NOTIFIED : [];
  }

  #lookForNotified(): void {
    if (this.#notifyWebhook === undefined) return;
    const isThere = this.catalog.find(this.#notifyWebhook) !== undefined;
    this.#findings.setWarnings("NOTIFY_WEBHOOK", isThere ? [] : NOTIFIED_IS_MISSING, "");
  }

  #refuseWebhook(
    path: string,
    former: CompiledWebhook | undefined,
    problems: readonly ProblemReason[],
    revision: string,
  ): void {
    const isStopped = this.#serving.isStopped(path);
    const serving = former === undefined || isStopped ? "nothing" : "last_good";
    this.#findings.setProblems(describeWebhook(path), problems, revision, serving);
    if (serving === "last_good" || isStopped) return;
    const isForSecrets = problems.every(({ code }) => code === "secret_unavailable");
    this.#serving.block(path, isForSecrets ? "secret_unavailable" : "webhook_misconfigured");
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

/** The value of a change as parsed, where it has one. */
function jsonOf(change: ConfigChange): unknown {
  return "deleted" in change || "problem" in change.value ? undefined : change.value.json;
}

function isFormer(change: ConfigChange): boolean {
  return !("deleted" in change) && change.isFormer === true;
}

function compilePut<Value>(change: ConfigPut, compile: (json: unknown) => Compiled<Value>): Compiled<Value> {
  return "problem" in change.value ? { problems: [change.value.problem] } : compile(change.value.json);
}
