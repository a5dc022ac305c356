/**
 * Providers that sign as the Standard Webhooks specification has it, or Svix, where it comes from.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 * @module
 */

import type { KeyRule, SchemeSource } from "../signature/scheme.ts";
import type { DataProvider, Evidence, Providers } from "./provider.ts";

/** `whsec_` and base64, or the base64 alone. */
const WHSEC = { strip: "whsec_", form: "base64", without: "same" } as const satisfies KeyRule;

const WHSEC_ONLY: KeyRule = { ...WHSEC, without: "refused" };
const WHSEC_OR_TEXT: KeyRule = { ...WHSEC, without: "text" };

type Names = "webhook" | "svix";

/** The scheme with the names of headers that begin so. @param key how secrets are written. @default `whsec_…` */
export function schemeOf(names: Names, key: SchemeSource["key"] = WHSEC): SchemeSource {
  return {
    signature: { at: `${names}-signature`, items: " ", pair: ",", name: "v1", encoding: "base64" },
    timestamp: { at: `${names}-timestamp`, unit: "s", window: 300 },
    content: "{id}.{t}.{body}",
    key,
    id: `${names}-id`,
    event: "/type",
  };
}

/** The version before each signature may be left out. */
function withBare(scheme: SchemeSource): SchemeSource {
  return { ...scheme, signature: { ...scheme.signature, bare: true } };
}

/** Where the provider's own library takes no empty body. */
function withBody(scheme: SchemeSource): SchemeSource {
  return { ...scheme, needsBody: true };
}

function provider(title: string, evidence: Evidence, scheme: DataProvider["scheme"]): DataProvider {
  return { title, evidence, scheme };
}

/** All providers of this family. */
export const standardWebhooks: Providers = {
  standard: provider("Standard Webhooks", { sdk: "standardwebhooks 1.1.1" }, schemeOf("webhook")),
  svix: provider("Svix", { sdk: "svix 2.5.0" }, [schemeOf("svix"), schemeOf("webhook")]),
  resend: provider("Resend", { sdk: "resend 6.38.0" }, withBody(schemeOf("svix"))),
  clerk: provider("Clerk", { sdk: "@clerk/backend 3.25.0" }, withBody(schemeOf("svix"))),
  lithic: provider("Lithic", { sdk: "lithic 0.145.0" }, schemeOf("webhook")),
  anthropic: provider("Anthropic", { sdk: "@anthropic-ai/sdk 1.10.0" }, schemeOf("webhook")),
  openai: provider("OpenAI", { sdk: "openai 7.55.0" }, withBare(schemeOf("webhook", WHSEC_OR_TEXT))),
  liveblocks: provider(
    "Liveblocks",
    { sdk: "@liveblocks/node 3.24.2" },
    schemeOf("webhook", WHSEC_ONLY),
  ),
  polar: provider("Polar", { sdk: "@polar-sh/sdk 1.0.1" }, withBody(schemeOf("webhook", ["text", WHSEC]))),
  composio: provider("Composio", { by: "source" }, schemeOf("webhook")),
  "recall-ai": provider("Recall.ai", { by: "source" }, schemeOf("webhook")),
  loops: provider("Loops", { by: "source" }, schemeOf("webhook")),
  granola: provider("Granola", { by: "source" }, schemeOf("webhook")),
  brex: provider("Brex", { by: "source" }, schemeOf("svix")),
  autumn: provider("Autumn", { by: "source" }, schemeOf("svix")),
  replicate: provider("Replicate", { sdk: "replicate 1.4.0" }, withBody(schemeOf("webhook"))),
};
