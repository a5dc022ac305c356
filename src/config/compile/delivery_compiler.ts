/**
 * Turns what a webhook says about the delivery of its events into steps and rules that need no more looking up.
 *
 * @module
 */

import { DURABLE_POLICY, NO_RETRY, type RetryPolicy, scheduledPolicy } from "../../delivery/retry_policy.ts";
import type { Idempotency } from "../../delivery/route.ts";
import type { SwitchOffPolicy } from "../../delivery/stops/switch_off.ts";
import { type Acceptance, findModule, namesOf, type OutputModule } from "../../modules/module.ts";
import type { CompiledConnection } from "../compiled_connection.ts";
import type { ChainItemConfig, RetryConfig, SwitchOffConfig } from "./delivery_schema.ts";
import { compileIdempotency } from "./idempotency_compiler.ts";
import { compileOwnConnection, type Parse } from "./own_connection.ts";
import type { Compiled, ProblemReason } from "../problem.ts";
import { answeringStep } from "./response_schema.ts";
import type { WebhookConfig } from "./schema.ts";
import { knownKeys } from "../../schema/known_keys.ts";
import { nearestHint, quotedName } from "../../schema/nearest_name.ts";

/** One output of a webhook, ready for use but for its connection. */
export interface CompiledStep {
  /** Its place and its module, for example `0 kafka`. */
  readonly name: string;
  readonly module: OutputModule;
  /** What the module's own schema made of `module-config`. */
  readonly moduleConfig: unknown;
  /** The connection's name where the configuration gives one. */
  readonly connectionName: string | undefined;
  /** The connection that the configuration holds itself, instead of a name. */
  readonly ownConnection: CompiledConnection | undefined;
  /** `undefined` for the default of the webhook's acceptance. */
  readonly retry: RetryPolicy | undefined;
}

/** How the events of a webhook are accepted and delivered. */
export interface DeliveryPolicy {
  readonly acceptance: Acceptance;
  readonly execution: "sequential" | "parallel";
  readonly continueOnError: boolean;
  /** In milliseconds. */
  readonly timeoutMs: number;
  /** `Infinity` without a bound of its own. */
  readonly concurrency: number;
  /** `Infinity` without a bound of its own. */
  readonly queue: number;
  /** Deliveries of the webhook that may begin in a second; `undefined` without a bound. */
  readonly rate: number | undefined;
  /** Deliveries that may begin in a second at each of its outputs, of all webhooks; `undefined` without a bound. */
  readonly targetRate: number | undefined;
  /** When it is switched off; `undefined` for the gateway's own. */
  readonly switchOff: Partial<SwitchOffPolicy> | "never" | undefined;
  readonly idempotency: Idempotency | undefined;
}

/** How often a webhook is tried while it is switched off, unless it says otherwise, in milliseconds. */
const USUAL_TRY_EVERY_MS = 60_000;

/**
 * When a webhook is switched off; `undefined` for never. Of a chain for whose end senders wait, nobody knows whether
 * all of its targets fail.
 *
 * @param afterMs of webhooks that do not say it
 */
export function switchOffPolicyOf(
  webhook: { readonly policy: DeliveryPolicy; readonly steps: readonly CompiledStep[] } | undefined,
  afterMs: number,
): SwitchOffPolicy | undefined {
  if (webhook === undefined) return undefined;
  const { policy: { switchOff, acceptance }, steps } = webhook;
  if (switchOff === "never" || (acceptance === "delivered" && steps.length > 1)) return undefined;
  // One step of a chain that is gone says nothing of the others.
  const whenGone = acceptance === "durable" && steps.length === 1;
  return { afterMs, failures: Infinity, tryEveryMs: USUAL_TRY_EVERY_MS, whenGone, ...switchOff };
}

/** Compiles the outputs of a webhook: its `module`, or the items of its `chain`. */
export function compileSteps(
  config: WebhookConfig,
  modules: readonly OutputModule[],
  parse: Parse,
): Compiled<readonly CompiledStep[]> {
  const { chain, module } = config;
  if (chain !== undefined) return compileChain(config, chain, modules, parse);
  if (module === undefined) {
    return { problems: [{ code: "schema", path: "module", message: "Expected a 'module' or a 'chain'" }] };
  }
  const answering = answeringStep(config.response, [{ module }], modules);
  if (typeof answering === "object") return { problems: [answering] };
  const { connection, redis, retry } = config;
  const item = { module, connection, redis, "module-config": config["module-config"], retry };
  const interned = internedSteps(modules);
  const text = JSON.stringify([config.data_type, item, answering]);
  const known = interned.get(text);
  if (known !== undefined) return { value: known };
  const step = compileStep(item, 0, config, { modules, parse, answering }, "");
  if ("problems" in step) return step;
  const steps = [step.value];
  interned.set(text, steps);
  return { value: steps };
}

/** How many distinct steps are kept; past it they are forgotten, and equal ones are shared from then on. */
const MAX_SHARED_STEPS = 1_000;

/**
 * One value for everything that is equal. In large installations most webhooks deliver to the same few
 * places: what is made of such a setting is made once and kept once. It must be immutable.
 */
class Interned<Value> {
  readonly #values = new Map<string, Value>();

  /** @param text equal for equal settings */
  get(text: string): Value | undefined {
    return this.#values.get(text);
  }

  set(text: string, value: Value): void {
    // Settings that differ everywhere, such as one topic a tenant, must not be kept twice for nothing.
    if (this.#values.size >= MAX_SHARED_STEPS) this.#values.clear();
    this.#values.set(text, value);
  }
}

const internedByModules = new WeakMap<readonly OutputModule[], Interned<readonly CompiledStep[]>>();

/** The steps of webhooks without a chain. */
function internedSteps(modules: readonly OutputModule[]): Interned<readonly CompiledStep[]> {
  let interned = internedByModules.get(modules);
  if (interned === undefined) internedByModules.set(modules, interned = new Interned());
  return interned;
}

/** Compiles how events are accepted and delivered. Webhooks that say nothing share one policy. */
export function compilePolicy(config: WebhookConfig, steps: readonly CompiledStep[]): DeliveryPolicy {
  const durable = steps.some(({ module }) => module.acceptance === "durable");
  const acceptance = config.accept ?? (durable ? "durable" : "delivered");
  const { limits, idempotency, "chain-config": chain, switch_off: switchOff } = config;
  const usual = USUAL_POLICIES[acceptance];
  if ([limits, idempotency, chain, switchOff].every((key) => key === undefined)) return usual;
  return {
    acceptance,
    execution: chain?.execution ?? usual.execution,
    continueOnError: chain?.continue_on_error ?? usual.continueOnError,
    timeoutMs: chain === undefined ? usual.timeoutMs : chain.timeout * 1000,
    concurrency: limits?.concurrency ?? usual.concurrency,
    queue: limits?.queue ?? usual.queue,
    rate: limits?.rate,
    targetRate: limits?.target_rate,
    switchOff: switchOff === undefined ? undefined : compileSwitchOff(switchOff),
    idempotency: idempotency === undefined ? undefined : compileIdempotency(idempotency),
  };
}

const USUAL_POLICIES: Readonly<Record<Acceptance, DeliveryPolicy>> = {
  delivered: usualPolicy("delivered"),
  durable: usualPolicy("durable"),
};

function usualPolicy(acceptance: Acceptance): DeliveryPolicy {
  return {
    acceptance,
    execution: "sequential",
    continueOnError: true,
    timeoutMs: 30_000,
    concurrency: Infinity,
    queue: Infinity,
    rate: undefined,
    targetRate: undefined,
    switchOff: undefined,
    idempotency: undefined,
  };
}

function compileChain(
  config: WebhookConfig,
  chain: readonly (string | ChainItemConfig)[],
  modules: readonly OutputModule[],
  parse: Parse,
): Compiled<readonly CompiledStep[]> {
  const steps: CompiledStep[] = [];
  const problems: ProblemReason[] = [];
  const items = chain.map((given): ChainItemConfig =>
    typeof given === "string" ? { module: given, "module-config": {} } : given
  );
  const found = answeringStep(config.response, items, modules);
  if (typeof found === "object") problems.push(found);
  const answering = typeof found === "object" ? -1 : found;
  for (const [index, own] of items.entries()) {
    const item = withWebhooksOwn(own, config, modules);
    const form = own.payload === undefined ? undefined : JSON.stringify(own.payload);
    const compiled = compileStep(item, index, config, { modules, parse, answering, form }, `chain.${index}.`);
    if ("problems" in compiled) problems.push(...compiled.problems);
    else steps.push(compiled.value);
  }
  problems.push(...keysForNobody(config, steps));
  return problems.length > 0 ? { problems } : { value: steps };
}

/** What the webhook shares with all steps and none of them takes: misspelt or misplaced, most likely. */
function keysForNobody(config: WebhookConfig, steps: readonly CompiledStep[]): ProblemReason[] {
  const known = steps.flatMap(({ module }) => knownKeys(module.configSchema));
  const unknown = Object.keys(config["module-config"]).filter((key) => !known.includes(key)).map((
    key,
  ): ProblemReason => ({
    code: "schema",
    path: `module-config.${key}`,
    message: `Key '${key}' is not known to any module of the chain`,
  }));
  if (config.redis === undefined || steps.some(({ ownConnection }) => ownConnection !== undefined)) {
    return unknown;
  }
  return [...unknown, { code: "schema", path: "redis", message: "No step of the chain takes key 'redis'" }];
}

/**
 * What a step does not say is the webhook's: its `connection` and `retry`, and those keys of `module-config`
 * that the step's module knows, since the steps before and after it are of other kinds.
 */
function withWebhooksOwn(
  item: ChainItemConfig,
  config: WebhookConfig,
  modules: readonly OutputModule[],
): ChainItemConfig {
  const module = findModule(modules, item.module);
  const known = module === undefined ? [] : knownKeys(module.configSchema);
  const shared = Object.entries(config["module-config"]).filter(([key]) => known.includes(key));
  const takesConnection = module !== undefined && module.connectionTypes.length > 0;
  const takesRedis = module?.ownConnectionSchema !== undefined && item.connection === undefined;
  const redis = item.redis ?? (takesRedis ? config.redis : undefined);
  return {
    module: item.module,
    connection: item.connection ?? (takesConnection && redis === undefined ? config.connection : undefined),
    redis,
    "module-config": { ...Object.fromEntries(shared), ...item["module-config"] },
    retry: item.retry ?? config.retry,
  };
}

/** What steps are compiled against. */
interface StepContext {
  readonly modules: readonly OutputModule[];
  readonly parse: Parse;
  /** The place of the step whose answer the sender gets; -1 for none. */
  readonly answering: number;
  /** What its `payload` says, as one text; left out where it has none of its own. */
  readonly form?: string | undefined;
}

function compileStep(
  item: ChainItemConfig,
  index: number,
  { data_type: dataType }: WebhookConfig,
  { modules, parse, answering, form }: StepContext,
  prefix: string,
): Compiled<CompiledStep> {
  const module = findModule(modules, item.module);
  if (module === undefined) return { problems: [describeUnknownModule(item.module, modules, prefix)] };
  const own = compileOwnConnection(item, module, parse, `${prefix}redis`);
  if ("problems" in own) return own;
  const moduleConfig = parse(module.configSchema, own.value.moduleConfig, `${prefix}module-config`);
  if ("problems" in moduleConfig) return moduleConfig;
  return {
    value: {
      name: index === 0 ? firstStepName(module) : `${index} ${module.name}`,
      module,
      // A form has become JSON before an output sees it.
      moduleConfig: module.forWebhook?.(moduleConfig.value, {
        dataType: dataType === "blob" ? "blob" : "json",
        answers: index === answering,
        ...(form === undefined ? {} : { form }),
      }) ?? moduleConfig.value,
      connectionName: item.connection,
      ownConnection: own.value.connection,
      retry: item.retry === undefined ? undefined : compileRetry(item.retry),
    },
  };
}

const firstStepNames = new WeakMap<OutputModule, string>();

/** One string for all webhooks of a module. */
function firstStepName(module: OutputModule): string {
  let name = firstStepNames.get(module);
  if (name === undefined) firstStepNames.set(module, name = `0 ${module.name}`);
  return name;
}

function compileSwitchOff(
  { enabled, after, failures, try_every: tryEvery }: SwitchOffConfig,
): Partial<SwitchOffPolicy> | "never" {
  if (!enabled) return "never";
  return {
    ...(after === undefined ? {} : { afterMs: after * 1000 }),
    ...(failures === undefined ? {} : { failures }),
    ...(tryEvery === undefined ? {} : { tryEveryMs: tryEvery * 1000 }),
  };
}

function compileRetry(config: RetryConfig): RetryPolicy {
  if (!config.enabled) return NO_RETRY;
  if (config.schedule !== undefined) return scheduledPolicy(config.schedule.map((seconds) => seconds * 1000));
  const {
    max_attempts: maxAttempts,
    initial_delay: initial,
    max_delay: max,
    backoff_multiplier: multiplier,
  } = config;
  return {
    maxAttempts: maxAttempts ?? DURABLE_POLICY.maxAttempts,
    initialDelayMs: initial === undefined ? DURABLE_POLICY.initialDelayMs : initial * 1000,
    maxDelayMs: max === undefined ? DURABLE_POLICY.maxDelayMs : max * 1000,
    ...(multiplier === undefined ? {} : { multiplier }),
  };
}

function describeUnknownModule(
  name: string,
  modules: readonly OutputModule[],
  prefix: string,
): ProblemReason {
  return {
    code: "unknown_module",
    path: `${prefix}module`,
    message: `Module ${quotedName(name)} does not exist${nearestHint(name, modules.flatMap(namesOf))}`,
  };
}
