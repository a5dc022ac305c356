/**
 * `module-config` of `http_webhook`: its schema, and its compiled form that requests work from.
 *
 * @module
 */

import { fileDestinations, guardedDestination } from "../../policy/destination.ts";
import { KEYS_NAME_HEADERS, NAMES_HEADER } from "../../schema/header_names.ts";
import { z } from "zod";
import { timeoutField } from "../../schema/connection_fields.ts";
import { booleanField, reportAt } from "../../schema/fields.ts";
import { eitherOf } from "../../schema/synonyms.ts";
import { allowedHostsField, parseDestination, parsePolicy, urlField } from "../../io/destination_fields.ts";
import type { Destination } from "../../io/http_client.ts";
import { configuredHeaders } from "../configured_headers.ts";
import { compileStatusRules, statusesField, type StatusRule } from "./statuses.ts";
import { formOf, type Header, isForwardable } from "../../event/header_policy.ts";
import type { ProxySettings } from "../../io/http/proxy_rules.ts";
import { authSchema, compileLogin, type Login, LOGIN_HEADER, setsHeader } from "./login/login.ts";
import { compileOwnTls, pemField } from "./login/own_tls.ts";
import type { DestinationParser, TokenClient } from "./login/token_client.ts";
import { type DeliverySigner, SIGNING_HEADERS, signSchema } from "./signing.ts";
import { proxyChoice, proxyField, reachedBy } from "./way.ts";

const DEFAULT_TIMEOUT_SECONDS = 10;
const MAX_TIMEOUT_SECONDS = 3600;

/** Most targets of one webhook. */
const MAX_TARGETS = 10;

/** Where a name and a password for the destination belong. */
const INSTEAD_OF_CREDENTIALS = "give them in auth";

/** A compiled `module-config`. */
export interface HttpWebhookConfig {
  /** The first of the targets. */
  readonly destination: Destination;
  /** All targets in their order; `undefined` where there is but one. */
  readonly targets: readonly Destination[] | undefined;
  readonly ordered: boolean;
  readonly method: "POST" | "PUT" | "PATCH";
  /** The configured headers; they win over forwarded ones. */
  readonly headers: readonly Header[];
  /** The forms of their names and of those that are set beside them, which no received header may be taken for. */
  readonly headerForms: ReadonlySet<string>;
  readonly timeoutMs: number;
  /** Names in lower case of the received headers that go along; `all` means all that may. */
  readonly forwarded: readonly string[] | "all";
  /** Who asks for the tokens that the destination wants; `undefined` where it wants none. */
  readonly tokens: TokenClient | undefined;
  /** `undefined` where deliveries are not signed. */
  readonly signer: DeliverySigner | undefined;
  /** What the webhook says of answers, the most exact first. */
  readonly statusRules: readonly StatusRule[];
  /** Every host that is asked and every file that is read, with the key that names it. */
  readonly asked: readonly AskedHost[];
  /** Whether senders that wait get the destination's answer. */
  readonly answers: boolean;
}

/** A host that a configuration has the gateway ask. */
type AskedHost = ReturnType<typeof guardedDestination>;

const fields = z.strictObject({
  url: urlField().optional().meta({
    description: "Where events are sent to: an `http` or `https` address without user name and password.",
  }),
  targets: z.array(urlField()).min(1).max(MAX_TARGETS).optional().meta({
    description:
      "Instead of `url`: several addresses in order. Each event goes to the first that is not down. See " +
      "[Several targets](#several-targets).",
  }),
  method: z.string().toUpperCase().pipe(z.enum(["POST", "PUT", "PATCH"])).default("POST").meta({
    description: "`POST`, `PUT` or `PATCH`.",
  }),
  headers: z.record(z.string(), z.string()).default({}).meta({
    description: "Headers that are added to every request.",
    ...KEYS_NAME_HEADERS,
  }),
  timeout: timeoutField(MAX_TIMEOUT_SECONDS).default(DEFAULT_TIMEOUT_SECONDS).meta({
    description: "Seconds that one attempt may take.",
  }),
  ordered: booleanField().default(false).meta({
    description:
      "Sends the events of the webhook one after the other, in the order in which they came. One that fails " +
      "holds up the later ones until it was delivered or given up.",
  }),
  final_statuses: statusesField().meta({
    description:
      'Answers after which an event is a dead letter at once: statuses, classes and ranges, such as `[404, "3xx", ' +
      '"500-503"]`. Of two entries that fit the narrower one counts, whichever list it is in.',
  }),
  retry_statuses: statusesField().meta({
    description: "Answers after which an event is tried again, in the same form.",
  }),
  forward_headers: booleanField().optional().meta({
    description:
      "Sends the received headers along. Credentials, signatures, headers that concern one connection only and " +
      "names that may be taken for `cwm-…` or configured ones are never sent along. `Content-Type` always is. Default: `false`.",
  }),
  include_headers: booleanField().optional().meta({ description: "The same as `forward_headers`." }),
  allowed_headers: z.array(z.string().min(1).meta(NAMES_HEADER)).optional().meta({
    description:
      "With `forward_headers`: only these, whatever their case. Default: all that may be sent along.",
  }),
  sign: signSchema.optional().meta({
    description:
      'Signs every attempt by Standard Webhooks: `{"secret": "whsec_…"}`, and a list of up to 10 while a secret is ' +
      "changed. See [Signed deliveries](#signed-deliveries).",
  }),
  auth: authSchema.optional().meta({
    description:
      "How the gateway says who it is: `bearer`, `basic`, `oauth2`, `client_certificate`. See [Destinations that want a login]" +
      "(#destinations-that-want-a-login).",
  }),
  ca: pemField().optional().meta({
    description: "Authorities to trust instead of the system's for destinations: a file in PEM, or its text.",
  }),
  proxy: proxyField().meta({
    description:
      "The proxy that requests go through, such as `http://user:password@proxy.example:3128`, or `none`. Default: that " +
      "of the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`).",
  }),
  allowed_hosts: allowedHostsField(),
});

type Fields = z.output<typeof fields>;
type Issues = z.RefinementCtx;

/**
 * Strict schema that ends in the compiled form.
 *
 * @param proxies of the environment
 */
export function httpWebhookConfigSchemaWith(
  proxies: ProxySettings | undefined,
): z.ZodType<HttpWebhookConfig> {
  return fields.transform((input, issues) => compile(input, proxies, issues) ?? z.NEVER);
}

/** {@linkcode httpWebhookConfigSchemaWith} without proxies of the environment. */
export const httpWebhookConfigSchema: z.ZodType<HttpWebhookConfig> = httpWebhookConfigSchemaWith(undefined);

/** The compiled form; `undefined` where problems were reported. */
function compile(
  input: Fields,
  proxies: ProxySettings | undefined,
  issues: Issues,
): HttpWebhookConfig | undefined {
  const taken = takenHeaders(input);
  const headers = configuredHeaders(input.headers, taken, issues);
  const statusRules = compileStatusRules(
    { final: input.final_statuses, retry: input.retry_statuses },
    issues,
  );
  const asked: AskedHost[] = [];
  const destinationOf = destinationParser(input, proxies, issues, asked);
  const targets = destinationOf === undefined ? undefined : parseTargets(input, destinationOf, issues);
  const login = input.auth === undefined || destinationOf === undefined
    ? NO_LOGIN
    : compileLogin(input.auth, destinationOf, issues);
  const destination = targets?.[0];
  if (targets === undefined || destination === undefined || login === undefined) return undefined;
  if (input.auth?.client_certificate !== undefined && targets.some(({ protocol }) => protocol === "http:")) {
    reportAt(issues, ["auth", "client_certificate"], "Needs an address that begins with https");
  }
  if (login.authorization !== undefined) headers.push([LOGIN_HEADER, login.authorization]);
  const allowed = input.allowed_headers?.map((name) => name.toLowerCase()).filter(isForwardable);
  return {
    destination,
    targets: targets.length > 1 ? targets : undefined,
    ordered: input.ordered,
    method: input.method,
    headers,
    headerForms: new Set([...headers.map(([name]) => formOf(name)), ...taken.keys()]),
    timeoutMs: input.timeout * 1000,
    forwarded: eitherOf(input, "forward_headers", "include_headers", issues) ? allowed ?? "all" : [],
    tokens: login.tokens,
    signer: input.sign,
    statusRules,
    asked: [...asked, ...namedFiles(input)],
    answers: false,
  };
}

/** Reads addresses of destinations, and how each is reached; `undefined` where problems were reported. */
function destinationParser(
  { allowed_hosts, auth, ca, proxy }: Fields,
  environment: ProxySettings | undefined,
  issues: Issues,
  asked: AskedHost[],
): DestinationParser | undefined {
  const tls = compileOwnTls({ ca, cert: undefined, key: undefined, ...auth?.client_certificate }, issues);
  const policy = parsePolicy(allowed_hosts, issues);
  if (policy === undefined) return undefined;
  const proxies = proxyChoice(proxy, policy, environment, issues, asked);
  return (address, key, insteadOfCredentials, { of } = { of: tls }) => {
    const destination = parseDestination(address, policy, issues, key, insteadOfCredentials);
    if (destination !== undefined) asked.push(guardedDestination(destination, key.join(".")));
    return destination && reachedBy(destination, proxies, of, key, issues);
  };
}

/** The addresses of `url` or `targets`; `undefined` where problems were reported. */
function parseTargets(
  { url, targets }: Fields,
  destinationOf: DestinationParser,
  issues: Issues,
): readonly Destination[] | undefined {
  if ((url === undefined) === (targets === undefined)) {
    reportAt(issues, "url", "Expected either 'url' or 'targets'");
    return undefined;
  }
  const given = targets ?? [url!];
  const parsed = given.flatMap((text, index) => {
    const path = targets === undefined ? ["url"] : ["targets", index];
    if (given.indexOf(text) === index) return destinationOf(text, path, INSTEAD_OF_CREDENTIALS) ?? [];
    reportAt(issues, path, "This address is in the list twice");
    return [];
  });
  return parsed.length === given.length ? parsed : undefined;
}

/** The files with certificates and keys that it names. */
function namedFiles({ ca, auth }: Fields): readonly AskedHost[] {
  const certificate = auth?.client_certificate ?? {};
  return [
    ...fileDestinations({ ca }, (key) => key),
    ...fileDestinations(certificate, (key) => `auth.client_certificate.${key}`),
    ...fileDestinations({ ca: auth?.oauth2?.ca }, (key) => `auth.oauth2.${key}`),
  ];
}

const NO_LOGIN: Login = { authorization: undefined, tokens: undefined };

/** The forms of names that are set for every request, and the keys that set them. */
function takenHeaders({ auth, sign }: Fields): ReadonlyMap<string, string> {
  const taken = new Map<string, string>();
  if (auth !== undefined && setsHeader(auth)) taken.set(LOGIN_HEADER, "auth");
  if (sign !== undefined) { for (const name of SIGNING_HEADERS) taken.set(name, "sign"); }
  return taken;
}
