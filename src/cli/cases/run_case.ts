/**
 * Runs one case: a gateway of its own takes the requests, as in service, and its outputs note what they are handed.
 *
 * @module
 */

import { join } from "@std/path";
import { CannotSignError } from "../../auth/signature/sign.ts";
import { substitute } from "../../config/values/substitution.ts";
import { webhookPath } from "../../event/names.ts";
import { OfflineGateway } from "../../gateway/offline_gateway.ts";
import { outputModulesWithin } from "../../modules/registry.ts";
import { requestTarget } from "../../auth/public_url.ts";
import { plainPath } from "../../http/plain_path.ts";
import { defaultPath } from "../../http/webhook/default_webhook.ts";
import type { SecretLookup } from "../../config/secrets/lookup.ts";
import { type Case, type CaseFile, type CaseRequest, exchangesOf, type Expectation } from "./case_file.ts";
import { clockStoppedAt } from "./clock.ts";
import type { CaseConfiguration } from "./configuration.ts";
import { type WebhookValue, withCredentials } from "./credentials.ts";
import { declaredSecrets, DeclaredServers } from "./declared.ts";
import type { Difference } from "./difference.ts";
import { compare } from "./expectation.ts";
import { DeliveryRecorder } from "./recorder.ts";
import { lowerCased, type PreparedRequest, prepareRequest, toRequest, UnusableCaseError } from "./request.ts";
import { stepConfigOf } from "./step_config.ts";

/** How long a gateway may take to start, in milliseconds. */
const START_TIMEOUT_MS = 30_000;

/** What is wrong with a case that ends before its events do: what would still be delivered is not known. */
const UNSETTLED: Difference = {
  place: "deliveries",
  expected: "all events delivered, or given up",
  seen: "events that still wait at the end of the case's time: give the webhook fewer attempts in 'retry'",
};

/** What came of a case. */
export interface CaseResult {
  readonly name: string;
  readonly differences: readonly Difference[];
  /** What helps to find out why, as sentences. */
  readonly notes: readonly string[];
}

/** What all cases of one file are run with. */
export interface CaseContext {
  /** The path of the file. */
  readonly path: string;
  readonly file: CaseFile;
  readonly configuration: CaseConfiguration;
  /** A folder of the run's own, for journals. */
  readonly directory: string;
  /** How long one case may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** Runs a case. @param index tells its folder from those of others */
export async function runCase(context: CaseContext, given: Case, index: number): Promise<CaseResult> {
  using _clock = clockStoppedAt(given.now);
  const recorder = new DeliveryRecorder();
  const secrets = declaredSecrets(context.file, context.configuration.settings);
  await using gateway = await startGateway(context, recorder, secrets, index);
  const signal = AbortSignal.timeout(context.timeoutMs);
  const exchanges = exchangesOf(given);
  const differences: Difference[] = [];
  const notes: string[] = [];
  for (const [position, { request, target, expect }] of exchanges.entries()) {
    recorder.answerWith(target);
    const place = exchanges.length === 1 ? "" : `exchanges.${position}.`;
    const run = { context, gateway, recorder, secrets, signal };
    const found = await exchange(run, request, expect);
    differences.push(...found.differences.map((each) => ({ ...each, place: place + each.place })));
    notes.push(...found.notes);
  }
  return { name: given.name, differences, notes };
}

async function startGateway(
  { file, configuration, directory }: CaseContext,
  recorder: DeliveryRecorder,
  secrets: SecretLookup,
  index: number,
): Promise<OfflineGateway> {
  const {
    environment,
    changes,
    settings: { relayQueue: _shared, vault: _vault, ...settings },
  } = configuration;
  return await OfflineGateway.start({
    settings: { ...settings, dataDir: join(directory, String(index)) },
    environment,
    changes,
    secrets,
    modules: recorder.recording(outputModulesWithin(settings.outputBounds)),
    authServers: new DeclaredServers(file),
  }, AbortSignal.timeout(START_TIMEOUT_MS));
}

interface Run {
  readonly context: CaseContext;
  readonly gateway: OfflineGateway;
  readonly recorder: DeliveryRecorder;
  readonly secrets: SecretLookup;
  readonly signal: AbortSignal;
}

async function exchange(
  run: Run,
  request: CaseRequest,
  expect: Expectation,
): Promise<Pick<CaseResult, "differences" | "notes">> {
  const { gateway, recorder, signal } = run;
  let sent: Request;
  try {
    sent = toRequest(await signedRequest(run, request));
  } catch (error) {
    if (!(error instanceof CannotSignError || error instanceof UnusableCaseError)) throw error;
    return { differences: [{ place: "request", expected: "a request", seen: error.message }], notes: [] };
  }
  const response = await gateway.handle(sent, request.client);
  const body = await response.bytes();
  const isSettled = await gateway.settled(signal);
  const deliveries = recorder.take((path) => gateway.stepsOf(path)).map((delivery) => ({
    ...delivery,
    config: stepConfigOf(webhookValue(run, delivery.webhook), delivery.step),
    written: stepConfigOf(writtenWebhook(run, delivery.webhook), delivery.step),
  }));
  const seen = { status: response.status, headers: response.headers, body, deliveries };
  const differences = [...compare(expect, seen), ...isSettled ? [] : [UNSETTLED]];
  if (differences.length === 0) return { differences, notes: [] };
  return {
    differences,
    notes: [
      ...notesOn(run, webhookOf(run, sent.url), response.status, new TextDecoder().decode(body)),
    ],
  };
}

function notesOn(
  { gateway, context }: Run,
  path: string | undefined,
  status: number,
  answer: string,
): readonly string[] {
  const problems = path === undefined ? [] : gateway.problemsOf(path);
  const refusal = path === undefined || status < 400 ? undefined : gateway.lastRefusal(path);
  return [
    `The answer was ${status} ${answer.slice(0, 500)}`.trimEnd(),
    ...refusal === undefined ? [] : [`It was refused: ${refusal}`],
    ...problems.map(({ key, path: within, message }) => {
      const place = context.configuration.placeOf(key, within);
      const of = place === undefined ? key : `${key} in ${place}`;
      return `Problem of ${of}: ${within === "" ? "" : `${within}: `}${message}`;
    }),
  ];
}

async function signedRequest(run: Run, request: CaseRequest): Promise<PreparedRequest> {
  const prepared = await prepareRequest(request, run.context.path);
  if (request.sign === undefined) return prepared;
  const { publicUrl } = run.context.configuration.settings;
  const options = request.sign === true ? {} : request.sign;
  const webhook = webhookValue(run, webhookOf(run, prepared.url));
  const signed = await withCredentials(webhook, prepared, options, publicUrl);
  return { ...signed, headers: { ...signed.headers, ...lowerCased(request.headers) } };
}

/** The configuration of a webhook with its references replaced. @throws {CannotSignError} when there is none */
function webhookValue(run: Run, path: string | undefined): WebhookValue {
  const written = writtenWebhook(run, path);
  const { context: { configuration: { environment } }, secrets } = run;
  const namespace = path!.slice(0, path!.indexOf("/"));
  return substitute(written, { environment, secrets }, namespace).value as WebhookValue;
}

/** The configuration of a webhook as it is written. @throws {CannotSignError} when there is none */
function writtenWebhook({ context }: Run, path: string | undefined): WebhookValue {
  const written = path === undefined ? undefined : findWebhook(context, path);
  if (written === undefined) {
    throw new CannotSignError("There is no webhook whose credentials could be used");
  }
  return written;
}

/** @param path `namespace/id` */
function findWebhook({ configuration }: CaseContext, path: string): WebhookValue | undefined {
  const change = configuration.changes.findLast(({ key }) =>
    key.kind === "webhook" && webhookPath(key.namespace, key.id) === path
  );
  if (change === undefined || !("value" in change) || !("json" in change.value)) return undefined;
  return change.value.json as WebhookValue;
}

/** `namespace/id` of the webhook that a request goes to; `undefined` where it goes to none. */
function webhookOf({ context }: Pick<Run, "context">, url: string): string | undefined {
  const { defaultNamespace, defaultWebhook } = context.configuration.settings;
  const [, rest] = /^\/webhook\/([^/?]+(?:\/[^/?]+)?)\/?(?:\?|$)/.exec(requestTarget(url)) ?? [];
  if (rest === undefined) return undefined;
  const plain = plainPath(rest);
  const path = plain.includes("/") ? plain : webhookPath(defaultNamespace, plain);
  return defaultWebhook && findWebhook(context, path) === undefined ? defaultPath(path) : path;
}
