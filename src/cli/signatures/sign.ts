/**
 * `cwm sign`: signs a body as a provider would, and prints the headers or sends the request.
 *
 * @module
 */

import { providers, schemesOf } from "../../auth/providers/providers.ts";
import {
  CannotSignError,
  type RequestToSign,
  type SignedHeaders,
  signRequest,
} from "../../auth/signature/sign.ts";
import { StartupError } from "../../errors.ts";
import { readCommandLine, usageError } from "../command_line.ts";
import { print } from "../terminal.ts";

const HELP = `Signs the body on standard input as a provider would, and prints the headers

Usage: cwm sign --provider NAME --secret SECRET [options] < body.json

  --provider NAME     Who signs: see cwm providers
  --secret SECRET     The webhook's secret, which other users of the machine may see in its list of processes;
                      of Basic authentication the name and password, as name:password
  --private-key FILE  In place of a secret, where the provider signs with a private key: that key in PEM
  --key NAME          The name of the secret, of pusher
  --method METHOD     Default: POST
  --url URL           The address as the provider knows it, where it is signed. Default: that of --send
  --send URL          Sends the request there, and prints the answer

Not for providers whose proof stands in the body, or whose scheme is code.

Options:
  -h, --help          Print this help

Exit status: 0 done, and with --send the answer is 2xx; 1 it cannot be signed or sent, or is refused; 2 wrong usage`;

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
  const provider = option("provider") ?? "";
  if (!Object.hasOwn(providers, provider)) throw usageError("sign", `There is no provider '${provider}'`);
  const secret = await secretFrom(option("secret"), option("private-key"));
  const send = option("send");
  const request: RequestToSign = {
    method: option("method") ?? "POST",
    url: option("url") ?? send ?? "",
    body: new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer()),
    now: Date.now(),
    id: crypto.randomUUID(),
  };
  const headers = signedHeaders(provider, secret, request, option("key"));
  if (send !== undefined) return await sendSigned(send, request, headers);
  for (const [name, value] of Object.entries(headers)) print(`${name}: ${value}`);
  return 0;
}

async function secretFrom(secret: string | undefined, privateKey: string | undefined): Promise<string> {
  if ((secret === undefined) === (privateKey === undefined)) {
    throw usageError("sign", "Give either --secret or --private-key");
  }
  if (secret !== undefined) return secret;
  try {
    return await Deno.readTextFile(privateKey!);
  } catch (error) {
    throw usageError("sign", `${privateKey} cannot be read: ${(error as Error).message}`);
  }
}

function signedHeaders(
  provider: string,
  secret: string,
  request: RequestToSign,
  keyName: string | undefined,
): SignedHeaders {
  const [scheme] = schemesOf(provider);
  try {
    if (scheme === undefined) {
      throw new CannotSignError("Its scheme is code, which verifies and does not sign");
    }
    return signRequest(scheme, secret, request, keyName);
  } catch (error) {
    if (!(error instanceof CannotSignError)) throw error;
    throw new StartupError("usage", [
      `Requests of ${providers[provider]!.title} cannot be signed: ${error.message}`,
    ]);
  }
}

async function sendSigned(
  url: string,
  { method, body }: RequestToSign,
  headers: SignedHeaders,
): Promise<number> {
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
