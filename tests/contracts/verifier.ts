/**
 * What every kind of authentication must do, as one suite of tests. It runs over the registry: each kind passes it
 * in a world of its own, `tests/worlds/verifiers/KEY.ts`. What is particular to a kind is in its own tests.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import { type Authenticator, compileAuthenticator, RefusalError } from "../../src/auth/authenticator.ts";
import { ClientAddressResolver } from "../../src/auth/client_address.ts";
import { ClientCertificates } from "../../src/auth/client_certificate/client_certificates.ts";
import { PublicUrlResolver } from "../../src/auth/public_url.ts";
import { SenderMemory } from "../../src/auth/sender_memory.ts";
import { AuthServers } from "../../src/auth/servers/auth_servers.ts";
import { placedSecretsIn } from "../../src/auth/several_secrets.ts";
import type { VerifiedEvent } from "../../src/event/verified_event.ts";
import type { RequestToVerify, VerifierKind } from "../../src/auth/verifier.ts";
import { ERROR_CATALOGUE, GatewayError } from "../../src/errors.ts";
import { EventBody } from "../../src/event/event.ts";
import type { SenderWorld } from "./sender.ts";

/** How a kind of authentication is tested. */
export interface VerifierWorld {
  /**
   * Ways to configure the kind, each with what its clients send. The suite runs over every one. A kind without a
   * secret has none: all of it is in its own tests.
   */
  readonly examples: readonly VerifierExample[];
  /** What else is done to the kind is done with the requests of these; `examples`: with those of the examples. */
  readonly senders: "examples" | readonly [SenderWorld, ...SenderWorld[]];
}

/** The part of a request that verifiers look for credentials in. */
export type Place = "headers" | "query";

/** One way to configure a kind of authentication, and what its clients send. */
export interface VerifierExample {
  /** Follows the kind's name in those of the tests, for example `in base64`. Empty where there is one example. */
  readonly variant: string;
  /** A valid configuration with this secret, as an operator writes it. */
  configWith(secret: string): unknown;
  /** The same with a list of secrets that are all valid. Left out where there is one secret by nature. */
  configWithSeveral?(secrets: readonly string[]): unknown;
  /** Where the credentials stand. @default "headers" */
  readonly place?: Place;
  /** The header that carries the credentials, or the parameter of the URL. */
  readonly header: string;
  /**
   * What a client that knows the secret sends in it.
   *
   * @param challenge the `WWW-Authenticate` of a request without credentials; empty where there is none
   */
  credentialsFor(secret: string, body: Uint8Array<ArrayBuffer>, challenge: string): string;
  /** Whether the same credentials pass with upper and lower case exchanged. */
  readonly ignoresCase: boolean;
  /** What credentials say: two that say the same pass both. @default themselves, without case if it is ignored */
  meaning?(credentials: string): string;
}

const SECRET = "Correct-Horse-Battery-Staple-1";
const OTHER_SECRET = "Correct-Horse-Battery-Staple-2";
const BODY = new TextEncoder().encode('{"action":"push","repository":"example"}');

/** A kind and one of its examples. */
interface Subject extends VerifierExample {
  readonly kind: VerifierKind;
  /** Begins the tests' names, for example `hmac in base64`. */
  readonly subject: string;
}

/** Registers the tests for a kind. */
export function testVerifierContract(kind: VerifierKind, { examples }: VerifierWorld): void {
  for (const example of examples) {
    const subject: Subject = { ...example, kind, subject: `verifier ${kind.key} ${example.variant}`.trim() };
    testWhatPasses(subject);
    testWhatIsRefused(subject);
    testConfiguration(subject);
    testSeveralSecrets(subject);
  }
}

function testWhatPasses(examples: Subject): void {
  const { subject, header, place } = examples;

  Deno.test(`${subject} lets correct credentials in`, async () => {
    const authenticator = authenticatorOf(examples);
    const credentials = await credentialsFor(examples, authenticator);
    const event = await authenticate(authenticator, [[header, credentials]], BODY, place);
    assertEquals(event.body.bytes, BODY);
  });

  if (place !== "query") {
    Deno.test(`${subject} lets correct credentials in when whitespace surrounds the header's value`, async () => {
      const authenticator = authenticatorOf(examples);
      const credentials = await credentialsFor(examples, authenticator);
      await authenticate(authenticator, [[header, ` \t${credentials}\t `]], BODY);
    });
  }

  Deno.test(`${subject} lets request after request in`, async () => {
    const authenticator = authenticatorOf(examples);
    for (const body of [BODY, new Uint8Array(), BODY]) {
      const credentials = await credentialsFor(examples, authenticator, SECRET, body);
      await authenticate(authenticator, [[header, credentials]], body, place);
    }
  });
}

/** What is sent in the place of correct credentials. */
type Changed = (credentials: string, ofOtherWebhook: string) => [name: string, value: string][];

function testWhatIsRefused(examples: Subject): void {
  const { subject, header, place } = examples;

  const refused: Record<string, Changed> = {
    "no credentials": () => [],
    "empty credentials": () => [[header, ""]],
    "wrong credentials": () => [[header, "wrong"]],
    "the secret of another webhook": (_, ofOtherWebhook) => [[header, ofOtherWebhook]],
    "credentials that lack the first character": (credentials) => [[header, credentials.slice(1)]],
    "credentials that lack the last character": (credentials) => [
      [header, credentials.slice(0, lastSignificant(credentials))],
    ],
    "credentials with one character more": (credentials) => [[header, `${credentials}a`]],
    "credentials whose first character differs": (credentials) => [[header, replaceAt(credentials, 0)]],
    "credentials whose last character differs": (credentials) => [
      [header, replaceAt(credentials, lastSignificant(credentials))],
    ],
    "the same credentials twice": (credentials) => [[header, credentials], [header, credentials]],
    "correct credentials before wrong ones": (credentials, ofOtherWebhook) => [
      [header, credentials],
      [header, ofOtherWebhook],
    ],
    "correct credentials after wrong ones": (credentials, ofOtherWebhook) => [
      [header, ofOtherWebhook],
      [header, credentials],
    ],
    "credentials in another header": (credentials) => [["x-other", credentials]],
    "characters outside of ASCII": (credentials) => [[header, `${credentials}\u00e4`]],
    "64 KiB of credentials": (credentials) => [[header, credentials.repeat(1000)]],
  };
  if (!examples.ignoresCase) {
    refused["credentials in the other case"] = (credentials) => [[header, swapCase(credentials)]];
  }

  for (const [what, change] of Object.entries(refused)) {
    Deno.test(`${subject} refuses ${what}`, async () => {
      const authenticator = authenticatorOf(examples);
      const credentials = await credentialsFor(examples, authenticator);
      const ofOtherWebhook = await credentialsFor(examples, authenticator, OTHER_SECRET);
      await assertRefused(authenticator, change(credentials, ofOtherWebhook), BODY, place);
    });
  }

  if (examples.ignoresCase) {
    Deno.test(`${subject} lets credentials in the other case in`, async () => {
      const authenticator = authenticatorOf(examples);
      const credentials = await credentialsFor(examples, authenticator);
      await authenticate(authenticator, [[header, swapCase(credentials)]], BODY, place);
    });
  }

  if (authenticatorOf(examples).readsBody) {
    Deno.test(`${subject} refuses a body of which any one byte is changed, added or missing`, async () => {
      const authenticator = authenticatorOf(examples);
      const credentials = await credentialsFor(examples, authenticator);
      for (let index = 0; index < BODY.length; index++) {
        const changed = BODY.slice();
        changed[index]! ^= 1;
        await assertRefused(authenticator, [[header, credentials]], changed);
      }
      await assertRefused(authenticator, [[header, credentials]], BODY.slice(0, -1));
      await assertRefused(authenticator, [[header, credentials]], new Uint8Array([...BODY, 0x0a]));
      await assertRefused(authenticator, [[header, credentials]], new Uint8Array());
    });

    Deno.test(`${subject} refuses a request without credentials before its body is read`, async () => {
      const admitting = async () => await authenticatorOf(examples).admit(requestWith([]));
      assertInstanceOf((await assertRejects(admitting, GatewayError)).cause, RefusalError);
    });
  }
}

function testConfiguration(examples: Subject): void {
  const { subject, kind } = examples;

  for (const [what, secret] of Object.entries({ "an empty": "", "a blank": "  " })) {
    Deno.test(`${subject} does not take ${what} secret`, () => {
      assert(!kind.configSchema.safeParse(examples.configWith(secret)).success);
    });
  }

  Deno.test(`${subject} does not take a secret with the line end of its file, and says so`, () => {
    for (const secret of [`${SECRET}\n`, `${SECRET}\r\n`, `${SECRET}\u00a0`]) {
      const { error } = kind.configSchema.safeParse(examples.configWith(secret));
      assertStringIncludes(JSON.stringify(error?.issues), "white space");
      assert(!Deno.inspect(error).includes(SECRET), "The secret is in the error");
    }
  });

  Deno.test(`${subject} does not take configuration of another type`, () => {
    for (const config of [null, true, 0, [], [[SECRET]], [0], {}]) {
      assert(!kind.configSchema.safeParse(config).success, `took ${JSON.stringify(config)}`);
    }
  });

  const config = examples.configWith(SECRET);
  if (typeof config !== "object") return;
  Deno.test(`${subject} does not take an unknown key, and does not show the secret in saying so`, () => {
    const parsed = kind.configSchema.safeParse({ ...config, unknown_key: SECRET });
    assert(!parsed.success);
    assert(!Deno.inspect(parsed.error).includes(SECRET), "The secret is in the error");
  });
}

function testSeveralSecrets(examples: Subject): void {
  const { subject, kind, header, place } = examples;
  const configWith = examples.configWithSeveral?.bind(examples);
  if (configWith === undefined) return;
  const isTaken = (secrets: readonly string[]) => kind.configSchema.safeParse(configWith(secrets)).success;

  Deno.test(`${subject} lets each of several secrets in, and counts which one it was`, async () => {
    const config = kind.configSchema.parse(configWith([SECRET, OTHER_SECRET]));
    const [placed, ...others] = placedSecretsIn(kind.key, config);
    assertEquals(others, []);
    const counts = [0, 0];
    placed?.secrets.countWith(counts.map((_, index) => ({ increment: () => counts[index]!++ })));
    const authenticator = compileAuthenticator([kind.compile(config)]);
    for (const secret of [SECRET, OTHER_SECRET, SECRET]) {
      const credentials = await credentialsFor(examples, authenticator, secret);
      await authenticate(authenticator, [[header, credentials]], BODY, place);
    }
    assertEquals(counts, [2, 1]);
    const wrong = await credentialsFor(examples, authenticator, `${SECRET}0`);
    await assertRefused(authenticator, [[header, wrong]], BODY, place);
    await assertRefused(authenticator, [], BODY, place);
    assertEquals(counts, [2, 1]);
  });

  Deno.test(`${subject} takes lists of 1 to 10 secrets, each as it takes one alone`, () => {
    assert(isTaken([SECRET]));
    assert(isTaken(Array.from({ length: 10 }, (_, index) => `${SECRET}${index}`)));
    assert(!isTaken(Array.from({ length: 11 }, (_, index) => `${SECRET}${index}`)));
    for (const wrong of [[], [SECRET, ""], ["  ", SECRET], [SECRET, `${OTHER_SECRET}\n`]]) {
      assert(!isTaken(wrong), `took ${JSON.stringify(wrong)}`);
    }
  });

  Deno.test(`${subject} shows none of several secrets, whether they are valid or not`, () => {
    const { error } = kind.configSchema.safeParse(configWith([SECRET, `${OTHER_SECRET}\n`]));
    assertStringIncludes(JSON.stringify(error?.issues), "white space");
    const config = kind.configSchema.parse(configWith([SECRET, OTHER_SECRET]));
    for (const shown of [Deno.inspect(error), Deno.inspect(config), JSON.stringify(config)]) {
      assert(!shown.includes(SECRET) && !shown.includes(OTHER_SECRET), "A secret is shown");
    }
  });
}

function authenticatorOf({ kind, configWith }: Subject): Authenticator {
  return compileAuthenticator([kind.compile(kind.configSchema.parse(configWith(SECRET)))]);
}

/** What a client sends that knows a secret, and has asked an authenticator for its challenge. */
async function credentialsFor(
  example: VerifierExample,
  authenticator: Authenticator,
  secret: string = SECRET,
  body: Uint8Array<ArrayBuffer> = BODY,
): Promise<string> {
  return example.credentialsFor(secret, body, await challengeOf(authenticator));
}

async function challengeOf(authenticator: Authenticator): Promise<string> {
  const admit = async () => await authenticator.admit(requestWith([]));
  const { headers } = await assertRejects(admit, GatewayError);
  return headers?.["WWW-Authenticate"] ?? "";
}

/** Takes a request through all steps, as the gateway does. */
export async function authenticate(
  authenticator: Authenticator,
  headers: [name: string, value: string][],
  bytes: Uint8Array<ArrayBuffer>,
  place?: Place,
): Promise<VerifiedEvent> {
  const request = requestWith(headers, place);
  const body = EventBody.fromBytes(bytes);
  const admission = await authenticator.admit(request);
  const verification = await authenticator.verify(admission, request, body);
  return authenticator.seal(verification, {
    id: "event-1",
    namespace: "default",
    webhook: "example",
    receivedAt: 0,
    headers: request.headers,
    body,
  });
}

/**
 * Asserts that a request is refused with a fixed message, and that nothing about the refusal shows the
 * secret or what the client sent.
 */
async function assertRefused(
  authenticator: Authenticator,
  headers: [name: string, value: string][],
  bytes: Uint8Array<ArrayBuffer>,
  place?: Place,
): Promise<void> {
  const attempt = () => authenticate(authenticator, headers, bytes, place);
  const error = await assertRejects(attempt, GatewayError);
  assert(error.code === "unauthorized" || error.code === "forbidden", `refused with ${error.code}`);
  assertEquals(error.message, ERROR_CATALOGUE[error.code].message);
  assertInstanceOf(error.cause, RefusalError);
  const shown = Deno.inspect([error, error.cause, error.headers], { depth: 10 });
  for (const hidden of [SECRET, ...headers.map(([, value]) => value)]) {
    assert(hidden.length < 8 || !shown.includes(hidden), "The refusal shows the secret or the credentials");
  }
}

/** No proxy is trusted. */
const CLIENT_ADDRESSES = new ClientAddressResolver([]);
const PUBLIC_URLS = new PublicUrlResolver("https://hooks.example.com", CLIENT_ADDRESSES);

const CLIENT_CERTIFICATES = new ClientCertificates(undefined, CLIENT_ADDRESSES);

/** No server is asked, so that there is nothing to close. */
const SERVERS = new AuthServers();

/** A request with these headers, or these parameters of the URL, of which a name may occur several times. */
export function requestWith(
  values: [name: string, value: string][],
  place: Place = "headers",
): RequestToVerify {
  const url = "http://localhost/webhook/default/example";
  const query = new URLSearchParams(values);
  return {
    headers: new Headers(place === "headers" ? values : []),
    peerAddress: "192.0.2.1",
    clientAddresses: CLIENT_ADDRESSES,
    publicUrls: PUBLIC_URLS,
    webhook: "default/example",
    handshakes: { isOpen: () => false, secretOf: () => undefined, take: () => Promise.resolve(false) },
    clientCertificates: CLIENT_CERTIFICATES,
    method: "POST",
    memory: new SenderMemory(),
    servers: SERVERS,
    url: place === "query" && values.length > 0 ? `${url}?${query}` : url,
  };
}

function swapCase(text: string): string {
  return text.replace(/[a-z]/gi, (letter) => letter < "a" ? letter.toLowerCase() : letter.toUpperCase());
}

/** Another digit or letter at one place; valid in base64, and in hexadecimal where the old one was. */
function replaceAt(text: string, index: number): string {
  return text.slice(0, index) + (text[index] === "1" ? "2" : "1") + text.slice(index + 1);
}

/** The last character before any padding. */
function lastSignificant(credentials: string): number {
  return credentials.replace(/=+$/, "").length - 1;
}
