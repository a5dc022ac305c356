/**
 * The value of the key `signature`: a provider's name, or a scheme, with what it is verified with.
 *
 * @module
 */

import { z } from "zod";
import { eventPatternsSchema } from "../../event/event_type.ts";
import { booleanField, numberField, secretField } from "../../schema/fields.ts";
import { type Dialogue, dialogues } from "../challenges/dialogues.ts";
import type { EbayApi } from "../providers/keyed/ebay_keys.ts";
import { ebayApiOf, ebayFields } from "../providers/keyed/ebay_settings.ts";
import type { Provider, SecretSetting } from "../providers/provider.ts";
import { providers, schemesOf } from "../providers/providers.ts";
import { type Secrets, secretsField, SeveralSecrets } from "../several_secrets.ts";
import { fitsKey } from "./key.ts";
import { type Scheme, schemeSchema } from "./scheme.ts";
import type { ReplayTtl } from "./signed_key.ts";

/** Longest tolerance, in seconds. */
const MAX_TOLERANCE = 7 * 24 * 3600;

/** How long what a provider sent is remembered that says no time, or may be of any age, in seconds. */
const REPLAY_TTL = 24 * 3600;

/** Longest time that it can be remembered, in seconds. */
const MAX_REPLAY_TTL = 31_536_000;

/** A former secret with the name that it has. */
const named = z.strictObject({ key: z.string().min(1), secret: secretField() });

const pem = z.string().regex(/-----BEGIN [A-Z ]+-----/, "Must be PEM, which begins with -----BEGIN");

const url = z.url({ protocol: /^https?$/ });

const fields = z.strictObject({
  provider: z.string().refine((name) => Object.hasOwn(providers, name), {
    error: "Not a provider that is known: see cwm providers",
  }).optional().meta({ description: "Who sends: a name that `cwm providers` lists." }),
  scheme: schemeSchema.optional().meta({
    description: "How a provider signs that is not in the list.",
  }),
  secret: secretsField("The secret that sender and gateway share.").optional(),
  public_key: secretsField(
    "The public key of the sender, where it signs with a key of its own.",
    z.string().min(1),
  ).optional(),
  private_key: secretsField("The private key of the account, of `braintree`.").optional(),
  secondary_secret: secretField().optional().meta({ description: "The second secret, of `box`." }),
  next_secret: secretField().optional().meta({ description: "The secret that comes next, of `qstash`." }),
  fallback_secret: secretField().optional().meta({ description: "The former secret, of `inngest`." }),
  key: z.string().min(1).optional().meta({
    description: "The name of the secret, of `pusher` and `livekit`.",
  }),
  previous: named.optional().meta({ description: "The former secret with its name, of `pusher`." }),
  algorithm: z.enum(["sha1", "sha256"]).optional().meta({
    description: "The hash function, of `cloudinary`.",
  }),
  merchant_id: z.string().min(1).optional().meta({
    description: "The account, of `braintree`; nothing is verified by it.",
  }),
  verify_token: secretField().optional().meta({
    description:
      "What the provider was given to show that it is the one who asks, of `meta` and its like, and of `ebay`.",
  }),
  webhook_id: z.string().min(1).optional().meta({ description: "The webhook's id, of `paypal`." }),
  topics: z.array(z.string().min(1)).min(1).optional().meta({
    description: "The topics whose messages are taken, of `sns`. Default: all.",
  }),
  certificates: z.record(z.string(), pem).optional().meta({
    description: "Certificates in PEM by their URLs, of `sns` and `paypal`. Others are fetched.",
  }),
  public_keys: z.record(z.string(), pem).optional().meta({
    description: "Public keys in PEM by their names, of `ebay`.",
  }),
  ...ebayFields,
  base_url: url.optional().meta({ description: "The app's own address, of `atlassian-connect`." }),
  tolerance: numberField(1, MAX_TOLERANCE).optional().meta({
    description: "How old a request may be, in seconds. Default: as the provider's own library has it.",
  }),
  replay: z.union([booleanField(), z.strictObject({ ttl: numberField(1, MAX_REPLAY_TTL) })], {
    error: 'Must be true, false, or such as {"ttl": 3600}',
  }).optional().meta({
    description:
      "`false`: a request that comes again is delivered again. `ttl`: how long it is known, in seconds. " +
      "Default: twice the tolerance, and a day where there is none.",
  }),
  events: eventPatternsSchema.optional().meta({
    description:
      "As `events` of the webhook, which may stand here as well: the types of events that are handed on.",
  }),
  public_url: url.optional().meta({
    description:
      "The URL that the provider was given, where it signs it. Default: `PUBLIC_URL` and the target.",
  }),
});

type Fields = z.output<typeof fields>;
type Name = keyof Fields;

/** What every webhook may have, whoever sends. */
const COMMON: readonly Name[] = ["provider", "scheme", "tolerance", "replay", "public_url", "events"];

/** What cannot be left out where a provider takes it. */
const NEEDED: ReadonlySet<string> = new Set<Name>(["key", "public_key", "webhook_id"]);

/** Secrets beside the first, in the order in which they are counted. */
const FURTHER_SECRETS = ["secondary_secret", "next_secret", "fallback_secret"] as const;

/** The compiled value. */
export interface SignatureConfig {
  /** `undefined` for a scheme of the user's own. */
  readonly provider: Provider | undefined;
  /** What the provider says and hears besides its events; `undefined` for most. */
  readonly dialogue: Dialogue | undefined;
  /** Empty where the provider's scheme is code. */
  readonly schemes: readonly Scheme[];
  /**
   * Secrets, or public keys, in the order in which they are counted; none where the provider publishes its keys, or is
   * yet to bring its secret.
   */
  readonly secret: Secrets | undefined;
  /** Names of the secrets, where they have any. */
  readonly names: readonly string[] | undefined;
  /** Where keys of eBay are asked for. */
  readonly ebayApi: EbayApi | undefined;
  /** The settings as they are written. */
  readonly settings: Fields;
}

/** The strict schema of the key. */
export const signatureSchema: z.ZodType<SignatureConfig> = fields.transform((given, context) => {
  const problem = findProblem(given);
  const asksEbay = problem === undefined && takenBy(given).includes("client_id");
  const ebayApi = asksEbay ? ebayApiOf(given, context) : undefined;
  if (context.issues.length > 0) return z.NEVER;
  const config = problem ?? compile(given, ebayApi);
  if (!("message" in config)) return config;
  context.addIssue({ code: "custom", path: [...config.path], message: config.message });
  return z.NEVER;
});

interface Problem {
  readonly path: readonly string[];
  readonly message: string;
}

function findProblem(given: Fields): Problem | undefined {
  if ((given.provider === undefined) === (given.scheme === undefined)) {
    return { path: [], message: "Needs either 'provider' or 'scheme'" };
  }
  const secret = secretSetting(given);
  const settings = takenBy(given);
  const dialogue = dialogueOf(given);
  for (const name of Object.keys(given) as Name[]) {
    if (given[name] === undefined || settings.includes(name)) continue;
    const instead = secret === "none" ? "" : `: it takes '${secret}'`;
    return { path: [name], message: `Has no effect here${instead}` };
  }
  for (const name of settings) {
    const isNeeded = NEEDED.has(name) || (name === secret && dialogue?.handshake === undefined);
    if (given[name] === undefined && isNeeded) return { path: [name], message: "Is missing" };
  }
  const token = given.verify_token;
  const doubts = token === undefined ? undefined : dialogue?.questions?.doubtsAboutToken?.(token);
  if (doubts !== undefined) return { path: ["verify_token"], message: doubts };
  return undefined;
}

/** Of providers, each worked out once: thousands of webhooks may have the same. */
const taken = new Map<string, readonly Name[]>();

/** The settings that have an effect. */
function takenBy(given: Fields): readonly Name[] {
  const { provider } = given;
  if (provider === undefined) return settingsOf(given);
  let names = taken.get(provider);
  if (names === undefined) taken.set(provider, names = settingsOf(given));
  return names;
}

function settingsOf(given: Fields): readonly Name[] {
  const secret = secretSetting(given);
  const further = providerOf(given)?.settings ?? [];
  const token = dialogueOf(given)?.questions?.takesToken === true ? ["verify_token" as const] : [];
  const secrets: readonly Name[] = secret === "none" ? [] : [secret];
  return [
    ...COMMON,
    ...secrets,
    ...further,
    ...token,
    ...further.includes("key") ? ["previous" as const] : [],
  ];
}

function secretSetting(given: Fields): SecretSetting {
  const provider = providerOf(given);
  if (provider !== undefined) return provider.secret ?? "secret";
  const { algorithm } = given.scheme ?? {};
  return algorithm === "ed25519" || algorithm === "ecdsa-p256-sha256" ? "public_key" : "secret";
}

function providerOf({ provider }: Fields): Provider | undefined {
  return provider === undefined ? undefined : providers[provider];
}

function dialogueOf({ provider }: Fields): Dialogue | undefined {
  return provider === undefined ? undefined : dialogues[provider];
}

function compile(given: Fields, ebayApi: EbayApi | undefined): SignatureConfig | Problem {
  const provider = providerOf(given);
  const setting = secretSetting(given);
  const first = setting === "none" ? undefined : given[setting];
  const secret = first === undefined ? undefined : secretsFrom(given, first);
  const schemes = schemesFor(given);
  const tooShort = ttlProblem(given, schemes);
  if (tooShort !== undefined) return tooShort;
  const fit = typeof secret === "string"
    ? fits(secret, provider, schemes)
    : secretsIn(secret).every((text) => fits(text, provider, schemes));
  if (!fit) return { path: [setting], message: "Has not the form that this provider's secrets have" };
  return {
    provider,
    dialogue: dialogueOf(given),
    schemes,
    secret,
    names: namesOf(given, secret),
    ebayApi,
    settings: given,
  };
}

/** Whether a secret has the form that one of the provider's schemes needs. */
function fits(text: string, provider: Provider | undefined, schemes: readonly Scheme[]): boolean {
  if (provider !== undefined && "coded" in provider) return provider.coded.fits?.(text) ?? true;
  for (const scheme of schemes) if (fitsKey(text, scheme)) return true;
  return false;
}

/** What is forgotten while it may still come again would be taken twice. */
function ttlProblem(given: Fields, schemes: readonly Scheme[]): Problem | undefined {
  const { replay } = given;
  if (typeof replay !== "object") return undefined;
  const windows = schemes.map(({ timestamp }) => timestamp?.window ?? 0);
  const least = 2 * Math.max(codedWindow(given) ?? 0, ...windows);
  return replay.ttl >= least
    ? undefined
    : { path: ["replay", "ttl"], message: `Must be ${least} at least, twice the tolerance` };
}

/** The tolerance of a scheme in code, in seconds. */
function codedWindow(given: Fields): number | undefined {
  const provider = providerOf(given);
  if (provider === undefined || !("coded" in provider)) return undefined;
  const window = provider.coded.timestamp?.window;
  return window === undefined ? undefined : given.tolerance ?? window;
}

/**
 * How long a webhook recognises what comes again, in milliseconds.
 *
 * @param window how old requests may be, in seconds. @default that of the provider's code
 */
export function replayTtlMs(
  { provider, settings }: SignatureConfig,
  window: number | undefined = codedWindow(settings),
): ReplayTtl {
  const { replay = provider?.alike !== true } = settings;
  if (replay === false) return undefined;
  if (replay !== true) return replay.ttl * 1000;
  return 1000 * (window === undefined ? REPLAY_TTL : 2 * window);
}

/** Every secret has the one name, but for the former secret, which stands last and has its own. */
function namesOf({ key, previous }: Fields, secrets: Secrets | undefined): readonly string[] | undefined {
  if (key === undefined) return undefined;
  const names = secretsIn(secrets).map(() => key);
  return previous === undefined ? names : [...names.slice(0, -1), previous.key];
}

/** As the preset has them, with what the webhook says otherwise. Shared where it says nothing. */
function schemesFor({ provider, scheme, tolerance, algorithm }: Fields): readonly Scheme[] {
  const schemes = provider === undefined ? [scheme!] : schemesOf(provider);
  if (tolerance === undefined && algorithm === undefined) return schemes;
  return schemes.map((each) => ({
    ...each,
    ...(algorithm === undefined ? {} : { algorithm }),
    ...(tolerance === undefined || each.timestamp === undefined
      ? {}
      : { timestamp: { ...each.timestamp, window: tolerance } }),
  }));
}

/** The list that was configured where there is no other secret, so that its matches are counted. */
function secretsFrom(given: Fields, first: Secrets): Secrets {
  // Most providers take no other one.
  if (providerOf(given)?.settings === undefined) return first;
  const further = [...FURTHER_SECRETS.map((name) => given[name]), given.previous?.secret]
    .filter((text) => text !== undefined);
  return further.length === 0 ? first : new SeveralSecrets([...secretsIn(first), ...further]);
}

/** Secrets in the order in which they are counted. */
export function secretsIn(secrets: Secrets | undefined): readonly string[] {
  if (secrets === undefined) return [];
  return typeof secrets === "string" ? [secrets] : secrets.map((text) => text);
}
