import { generateKeyPairSync } from "node:crypto";
import type { SenderWorld } from "../../contracts/sender.ts";
import type { VerifierExample, VerifierWorld } from "../../contracts/verifier.ts";
import { type OAuth1Client, oauth1Credentials } from "../../support/auth/oauth1_client.ts";

const PUBLIC_URL = "https://hooks.example.com";
const EXAMPLE_URL = `${PUBLIC_URL}/webhook/default/example`;

/** Each kind of signature, with a body of which the hash is signed. */
export const world: VerifierWorld = {
  examples: ["HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512"].map(exampleOf),
  senders: [senderOf("by HMAC", "HMAC-SHA256"), senderOf("by RSA", "RSA-SHA256")],
};

function exampleOf(method: string): VerifierExample {
  const configWith = (secret: unknown) => ({
    consumer_key: "shop",
    consumer_secret: secret,
    signature_method: method,
    require_body_hash: true,
  });
  return {
    variant: `with ${method}`,
    configWith,
    configWithSeveral: configWith,
    header: "authorization",
    credentialsFor: (secret, body) =>
      oauth1Credentials({ consumerKey: "shop", consumerSecret: secret, method }, {
        method: "POST",
        url: EXAMPLE_URL,
        hashed: body,
      }),
    ignoresCase: false,
  };
}

const SECRET = "Correct-Horse-Battery-Staple-1";

/** A key takes a moment to be made: once for all that need it. */
let keys: ReturnType<typeof makeKeys> | undefined;

function makeKeys() {
  return generateKeyPairSync("rsa", { modulusLength: 2048 });
}

function senderOf(variant: string, method: string): SenderWorld {
  return {
    variant,
    open: () => {
      const { client, config } = method.startsWith("RSA") ? withKeys() : withSecret();
      return Promise.resolve({
        webhook: {
          oauth1: { consumer_key: "shop", signature_method: method, require_body_hash: true, ...config },
        },
        environment: { PUBLIC_URL },
        // Of the URL it is what the query says that is signed, not how it is written.
        covers: ["method", "body"],
        passesOnce: true,
        sign: (request) => {
          const { url, body: hashed } = request;
          const target = url.slice(url.indexOf("/", url.indexOf("//") + 2));
          const signed = { method: request.method, url: PUBLIC_URL + target, hashed };
          const value = oauth1Credentials({ consumerKey: "shop", method, ...client }, signed);
          return { ...request, headers: [...request.headers, ["Authorization", value]] };
        },
        meaning: (_, value) => meaningOf(value),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      });
    },
  };
}

interface Credentials {
  readonly client: Partial<OAuth1Client>;
  readonly config: Readonly<Record<string, string>>;
}

function withSecret(): Credentials {
  return { client: { consumerSecret: SECRET }, config: { consumer_secret: SECRET } };
}

function withKeys(): Credentials {
  const { publicKey, privateKey } = keys ??= makeKeys();
  const pem = publicKey.export({ type: "spki", format: "pem" }) as string;
  return { client: { privateKey }, config: { rsa_public_key: pem } };
}

/** The parameters, whatever their order, their escapes, and the realm, which is not signed. */
function meaningOf(credentials: string): string {
  const [, scheme = "", list = ""] = /^(\S*) *(.*)$/.exec(credentials) ?? [];
  const parameters = [...list.matchAll(/([^\s,=]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*))/g)]
    .map(([, name = "", quoted, token = ""]) =>
      [name, quoted?.replace(/\\(.)/g, "$1") ?? token].map(unescape)
    )
    .filter(([name]) => name!.toLowerCase() !== "realm").sort();
  return JSON.stringify([scheme.toLowerCase(), parameters]);
}

function unescape(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));
}
