/**
 * `cwm new`: the two files of a configuration, for a provider and an output, and its first cases.
 *
 * @module
 */

import type { Provider } from "../../auth/providers/provider.ts";
import { providers } from "../../auth/providers/providers.ts";
import { StartupError } from "../../errors.ts";
import { nearestHint } from "../../schema/nearest_name.ts";
import { readCommandLine, usageError } from "../command_line.ts";
import { print } from "../terminal.ts";
import { defaultOf, type FirstCases, firstCases } from "./first_cases.ts";
import { OUTPUT_NAMES, type OutputSample, outputSample } from "./outputs.ts";
import { type SignatureSample, signatureSample } from "./signature_sample.ts";

/** Names in a row, so that a terminal shows it whole. */
const ROW = 7;

const HELP = `Writes webhooks.json, connections.json and cases.json into the current folder

Usage: cwm new [PROVIDER] [OUTPUT]

  PROVIDER     Who sends: see cwm providers. Default: standard, for senders of Standard Webhooks
  OUTPUT       Where events go. Default: log. One of
               ${rowsOf(OUTPUT_NAMES).join(",\n               ")}

No file is ever written over: where one of them is there, none is written. cases.json is for cwm test. Secrets
are references to environment variables; as long as those are not set, a random text stands in, with which only
cwm sign can sign.

Options:
  -h, --help   Print this help

Exit status: 0 done; 1 a file is there, or cannot be written; 2 wrong usage`;

const WEBHOOKS = "webhooks.json";
const CONNECTIONS = "connections.json";
const CASES = "cases.json";

/** The address of a gateway that was started without settings. */
const LOCAL_URL = "http://localhost:8000";

function rowsOf(names: readonly string[]): string[] {
  const count = Math.ceil(names.length / ROW);
  return Array.from({ length: count }, (_, row) => names.slice(row * ROW, (row + 1) * ROW).join(", "));
}

/** A configuration for a provider and an output. */
export interface NewConfiguration {
  readonly webhooks: Readonly<Record<string, unknown>>;
  readonly connections: Readonly<Record<string, unknown>>;
  readonly signature: SignatureSample;
  readonly output: OutputSample;
  readonly cases: FirstCases;
}

/** Makes the configuration, with one webhook that is called as its provider. */
export async function configurationFor(provider: string, output: string): Promise<NewConfiguration> {
  const signature = signatureSample(provider);
  const sample = await outputSample(output, provider);
  const webhooks = { [provider]: { ...sample.webhook, signature: signature.signature } };
  const cases = await firstCases(provider, providers[provider]!, signature, sample);
  return { webhooks, connections: sample.connections, signature, output: sample, cases };
}

/** Runs the command. Returns the exit status. @param args what follows `new` on the command line */
export async function newConfiguration(args: readonly string[]): Promise<number> {
  const line = readCommandLine("new", args);
  if (line === "help") {
    print(HELP);
    return 0;
  }
  const [provider = "standard", output = "log", ...others] = line.operands;
  if (others.length > 0) throw usageError("new", `Unexpected argument '${others[0]}'`);
  if (line.operands.length === 1 && OUTPUT_NAMES.includes(provider) && providers[provider] === undefined) {
    throw usageError(
      "new",
      `'${provider}' is an output: name the provider before it, as in cwm new standard ${provider}`,
    );
  }
  requireKnown("provider", provider, Object.keys(providers));
  requireKnown("output", output, OUTPUT_NAMES);
  const configuration = await configurationFor(provider, output);
  await writeAll({
    [WEBHOOKS]: configuration.webhooks,
    [CONNECTIONS]: configuration.connections,
    [CASES]: configuration.cases,
  });
  for (const each of nextSteps(provider, configuration)) print(each);
  return 0;
}

function requireKnown(kind: string, given: string, known: readonly string[]): void {
  if (known.includes(given)) return;
  throw usageError("new", `There is no ${kind} '${given}'${nearestHint(given, known)}`);
}

/** Writes all files or none, and none that is there. */
async function writeAll(files: Readonly<Record<string, unknown>>): Promise<void> {
  const written: string[] = [];
  for (const [path, value] of Object.entries(files)) {
    try {
      await Deno.writeTextFile(path, `${JSON.stringify(value, undefined, 2)}\n`, { createNew: true });
      written.push(path);
    } catch (error) {
      await Promise.all(written.map((each) => Deno.remove(each)));
      const reason = error instanceof Deno.errors.AlreadyExists
        ? `${path} is there already: nothing was written. Run cwm new in an empty folder`
        : `${path} cannot be written, so nothing was: ${(error as Error).message}`;
      throw new StartupError("file_not_written", [reason], { cause: error });
    }
  }
}

function nextSteps(name: string, { signature, output }: NewConfiguration): readonly string[] {
  const provider = providers[name]!;
  const steps = [
    "Start the gateway in this folder:",
    `    cwm`,
    ...trial(name, provider, signature),
    ...handover(name, provider, signature),
    ...output.needs === undefined ? [] : [`${output.needs}.`],
    "After each change, run its cases, without sender and network:",
    `    cwm test ${CASES}`,
  ];
  return [`Wrote ${WEBHOOKS}, ${CONNECTIONS} and ${CASES}. What is next:`, "", ...steps];
}

/** How to try it without the provider. */
function trial(name: string, provider: Provider, sample: SignatureSample): readonly string[] {
  const { secret, publicUrl, signature } = sample;
  const send = `--send ${LOCAL_URL}/webhook/${name}`;
  const url = publicUrl === undefined ? "" : ` --url ${publicUrl}`;
  const sign = `${sampleCommand(name, provider)} | cwm sign --provider ${name}`;
  if (secret !== undefined) {
    const key = signature["key"] === undefined ? "" : ` --key ${defaultOf(signature["key"])}`;
    const publicKey = signature["public_key"];
    const further = publicKey === undefined ? "" : ` --set public_key=${defaultOf(publicKey)}`;
    return [
      "Send it an event in another terminal:",
      `    ${sign} --secret '${secret}'${key}${further}${url} ${send}`,
    ];
  }
  return [
    `${provider.title} signs with a private key. To try it, let the webhook have the public key or the`,
    "certificate of a key of your own:",
    `    ${sign} --private-key key.pem${url} ${send}`,
  ];
}

/** What the provider is given, and what it gives. */
function handover(
  name: string,
  provider: Provider,
  { variables, isHandshake }: SignatureSample,
): readonly string[] {
  const address = `https://YOUR-HOST/webhook/${name}`;
  if (isHandshake) {
    return [
      `${provider.title} brings its secret, once, when it is given the address ${address}. Before that, remove`,
      `"secret" from ${WEBHOOKS}, and have the gateway wait for it:`,
      `    cwm handshake default/${name} --open 10m`,
    ];
  }
  const names = Object.keys(variables);
  return [
    `Give ${provider.title} the address ${address}`,
    ...(names.length === 0
      ? []
      : ["and start the gateway with what it gives to you:", ...names.map((each) => `    export ${each}=…`)]),
  ];
}

/** Prints a body that the provider could send: another one each time, since what repeats is delivered once. */
function sampleCommand(name: string, { forms }: Provider): string {
  const time = "$(date +%s)";
  if (name === "adyen") {
    const item = `{"pspReference":"%s","eventCode":"AUTHORISATION","success":"true"}`;
    return `printf '{"live":"false","notificationItems":[{"NotificationRequestItem":${item}}]}' ${time}`;
  }
  if (name === "braintree") return `printf '<notification><timestamp>%s</timestamp></notification>' ${time}`;
  if (forms !== undefined && forms.field === undefined) return `printf 'From=%%2B15550100&Body=%s' ${time}`;
  return `printf '{"id":"evt_%s","type":"test"}' ${time}`;
}
