/**
 * `cwm sign`: signs a body as a provider would, and prints the headers or sends the request.
 *
 * @module
 */

import { providers } from "../../auth/providers/providers.ts";
import { signAs, type SigningKey, withEventType } from "../../auth/providers/signing.ts";
import { requestTarget } from "../../auth/public_url.ts";
import { CannotSignError, type RequestToSign, type SentRequest } from "../../auth/signature/sign.ts";
import { StartupError } from "../../errors.ts";
import { readCommandLine, usageError } from "../command_line.ts";
import { print, printBytes, printError } from "../terminal.ts";
import { providerNamed, readFileOf, secretsIn, settingsIn } from "./given_settings.ts";

const HELP = `Signs the body on standard input as a provider would, and prints the headers

Usage: cwm sign --provider NAME --secret SECRET [options] < body.json

  --provider NAME     Who signs: see cwm providers
  --secret SECRET     The webhook's secret, which other users of the machine may see in its list of processes;
                      of Basic authentication the name and password, as name:password
  --secret-file FILE  In place of --secret: the file that holds it
  --private-key FILE  In place of a secret, where the provider signs with a private key: a key in PEM, whose
                      public key or certificate the webhook has
  --key NAME          What requests call the key, of pusher, livekit and ebay; the certificate's URL, of sns and paypal
  --set NAME=VALUE    Another setting of the webhook that the signature depends on, such as base_url, webhook_id
                      or public_key; @FILE for a value in a file. May be given several times
  --event TYPE        The type of the event, such as push: put where the provider names it
  --method METHOD     Default: POST
  --url URL           The address as the provider knows it, where it is signed. Default: that of --send
  --raw               Prints the whole request, as cwm verify takes it
  --send URL          Sends the request there, and prints the answer

Some providers wrap the body or write the proof into it: --raw and --send have what they would send.

Options:
  -h, --help          Print this help

Exit status: 0 done, and with --send the answer is 2xx; 1 it cannot be sent, or is refused; 2 it cannot be
signed, or the usage is wrong`;

/** How long the answer may take, in milliseconds. */
const ANSWER_TIMEOUT_MS = 30_000;

/** Runs the command. Returns the exit status. @param args what follows `sign` on the command line */
export async function sign(args: readonly string[]): Promise<number> {
  const line = readCommandLine("sign", args);
  if (line === "help") {
    print(HELP);
    return 0;
  }
  const option = (name: string) => line.options[name] as string | undefined;
  const provider = providerNamed("sign", line.options["provider"]);
  const key = await keyFrom(line.options);
  const send = option("send");
  const request: RequestToSign = {
    method: option("method") ?? "POST",
    url: option("url") ?? send ?? "",
    body: await new Response(Deno.stdin.readable).bytes(),
    now: Date.now(),
    id: crypto.randomUUID(),
  };
  const signed = await signedAs(provider, key, request, option("event"));
  if (send !== undefined) return await sendSigned(withAddedQuery(send, request.url, signed.url), signed);
  if (line.options["raw"] === true) printRaw(signed);
  else printHeaders(signed, request);
  return 0;
}

async function keyFrom(options: Readonly<Record<string, unknown>>): Promise<SigningKey> {
  const secrets = await secretsIn("sign", options);
  const file = options["private-key"];
  const pem = typeof file === "string" ? new TextDecoder().decode(await readFileOf("sign", file)) : undefined;
  const [secret, ...others] = [...secrets, ...pem === undefined ? [] : [pem]];
  if (secret === undefined || others.length > 0) {
    throw usageError("sign", "Give one of --secret, --secret-file and --private-key");
  }
  const keyName = options["key"] as string | undefined;
  return { secret, keyName, settings: await settingsIn("sign", options["set"]) };
}

async function signedAs(
  provider: string,
  key: SigningKey,
  request: RequestToSign,
  event: string | undefined,
): Promise<SentRequest> {
  try {
    if (event === undefined) return await signAs(provider, key, request);
    const typed = withEventType(provider, event, request);
    const signed = await signAs(provider, key, typed.request);
    return { ...signed, headers: { ...signed.headers, ...typed.headers } };
  } catch (error) {
    if (!(error instanceof CannotSignError)) throw error;
    throw new StartupError("usage", [
      `Requests of ${providers[provider]!.title} cannot be signed with this: ${error.message}`,
    ]);
  }
}

/** What the provider adds to the URL that it knows is added to the one that the request is sent to. */
export function withAddedQuery(send: string, given: string, signed: string): string {
  if (signed === given) return send;
  return `${send}${send.includes("?") ? "&" : "?"}${signed.slice(given.length + 1)}`;
}

function printHeaders(signed: SentRequest, { url, body }: RequestToSign): void {
  for (const [name, value] of Object.entries(signed.headers)) print(`${name}: ${value}`);
  if (signed.url !== url) printError(`The URL becomes ${signed.url}`);
  if (signed.body !== body) printError("The body becomes another one: --raw prints the whole request");
}

function printRaw({ method, url, headers, body }: SentRequest): void {
  const host = URL.parse(url)?.host ?? "localhost";
  const all = {
    "Host": host,
    "Content-Type": "application/json",
    ...headers,
    "Content-Length": String(body.length),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  const target = URL.canParse(url) ? requestTarget(url) : "/";
  printBytes(new TextEncoder().encode([`${method} ${target} HTTP/1.1`, ...lines, "", ""].join("\r\n")));
  printBytes(body);
}

async function sendSigned(url: string, { method, headers, body }: SentRequest): Promise<number> {
  try {
    const response = await fetch(url, {
      method,
      headers: { "Content-Type": "application/json", ...headers },
      ...(body.length === 0 ? {} : { body }),
      redirect: "manual",
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    print(`${response.status} ${await response.text()}`);
    return response.ok ? 0 : 1;
  } catch (error) {
    throw new StartupError("gateway_unreachable", [`${url} cannot be reached: ${(error as Error).message}`]);
  }
}
