/**
 * Providers without a helper in an SDK of theirs to compare with: as their documentation, or another implementation,
 * has it.
 *
 * @module
 */

import type { KeyRule, SchemeSource } from "../signature/scheme.ts";
import type { DataProvider, Evidence, Providers } from "./provider.ts";
import { schemeOf } from "./standard_webhooks.ts";

const DOCUMENTED: Evidence = { by: "documentation" };
const VECTORS: Evidence = { by: "vectors" };
const SOURCE: Evidence = { by: "source" };
const RECALLED: Evidence = { by: "recalled" };

/** HMAC-SHA256 over the body, in a header. */
function bodyOnly(
  title: string,
  evidence: Evidence,
  signature: SchemeSource["signature"],
  further: Omit<SchemeSource, "signature"> = {},
): DataProvider {
  return { title, evidence, scheme: { signature, ...further } };
}

/** The secret itself, in a header or in the body. */
function carried(
  title: string,
  evidence: Evidence,
  signature: SchemeSource["signature"],
  further: Pick<SchemeSource, "id" | "event"> = {},
): DataProvider {
  return { title, evidence, scheme: { signature, algorithm: "equal", ...further } };
}

/** A provider whose different events may be the same bytes. @param why as the beginning of a sentence */
function alike(provider: DataProvider, why: string): DataProvider {
  return { ...provider, alike: true, note: `${why}: two events may be alike, so repeats are delivered.` };
}

/** Time and signatures in one header, over `{t}.{body}`. */
function together(
  title: string,
  evidence: Evidence,
  at: string,
  { field = "t", name = "v1", unit = "s", event, ...further }: {
    readonly field?: string;
    readonly name?: string;
    readonly unit?: "s" | "ms";
    readonly encoding?: "base64";
    readonly content?: string;
    readonly event?: string;
  } = {},
): DataProvider {
  const { encoding = "hex", content = "{t}.{body}" } = further;
  return {
    title,
    evidence,
    scheme: {
      signature: { at, items: ",", pair: "=", name, encoding },
      timestamp: { field, unit, window: 300 },
      content,
      ...(event === undefined ? {} : { event }),
    },
  };
}

const PREFIXED = "sha256=";
const versions = (at: string) => ({ at, items: ",", pair: "=", name: "v1" } as const);
const META = { at: "X-Hub-Signature-256", prefix: PREFIXED } as const;
const TEXT_FIRST: KeyRule = "text";

/** All of them. */
export const documented: Providers = {
  zoom: {
    title: "Zoom",
    evidence: DOCUMENTED,
    scheme: {
      signature: { at: "x-zm-signature", prefix: "v0=" },
      timestamp: { at: "x-zm-request-timestamp", unit: "s", window: 300 },
      content: "v0:{t}:{body}",
      event: "/event",
    },
  },
  gitlab: {
    title: "GitLab",
    evidence: DOCUMENTED,
    scheme: [
      { ...schemeOf("webhook"), event: "X-Gitlab-Event" },
      {
        signature: { at: "X-Gitlab-Token" },
        algorithm: "equal",
        key: TEXT_FIRST,
        id: "X-Gitlab-Event-UUID",
        event: "X-Gitlab-Event",
      },
    ],
    note: "A signing token, or the older secret token, which the request carries itself.",
  },
  meta: bodyOnly("Meta", SOURCE, META, { event: "/object" }),
  whatsapp: bodyOnly("WhatsApp", SOURCE, META, { event: "/object" }),
  messenger: bodyOnly("Messenger", SOURCE, META, { event: "/object" }),
  instagram: bodyOnly("Instagram", SOURCE, META, { event: "/object" }),
  zendesk: {
    title: "Zendesk",
    evidence: DOCUMENTED,
    scheme: {
      signature: { at: "X-Zendesk-Webhook-Signature", encoding: "base64" },
      timestamp: { at: "X-Zendesk-Webhook-Signature-Timestamp", unit: "rfc3339" },
      content: "{t}{body}",
      id: "X-Zendesk-Webhook-Invocation-Id",
      event: "/type",
    },
  },
  pagerduty: bodyOnly("PagerDuty", DOCUMENTED, versions("X-PagerDuty-Signature"), {
    id: "/event/id",
    event: "/event/event_type",
  }),
  docusign: bodyOnly("DocuSign", SOURCE, {
    at: Array.from({ length: 10 }, (_, index) => `X-DocuSign-Signature-${index + 1}`),
    encoding: "base64",
  }, { event: "/event" }),
  calendly: together("Calendly", SOURCE, "Calendly-Webhook-Signature", { event: "/event" }),
  typeform: bodyOnly("Typeform", SOURCE, {
    at: "Typeform-Signature",
    prefix: PREFIXED,
    encoding: "base64",
  }, { id: "/event_id", event: "/event_type" }),
  dropbox: alike(
    bodyOnly("Dropbox", SOURCE, { at: "X-Dropbox-Signature" }),
    "A notification says whose files have changed, and no more",
  ),
  asana: bodyOnly("Asana", DOCUMENTED, { at: "X-Hook-Signature" }),
  figma: {
    title: "Figma",
    evidence: DOCUMENTED,
    scheme: { signature: { at: "/passcode" }, algorithm: "equal", event: "/event_type" },
    note: "The request carries the passcode itself.",
  },
  sentry: bodyOnly("Sentry", SOURCE, { at: "Sentry-Hook-Signature" }, {
    id: "Request-ID",
    event: "Sentry-Hook-Resource",
  }),
  vercel: bodyOnly("Vercel", DOCUMENTED, { at: "x-vercel-signature" }, {
    algorithm: "hmac-sha1",
    id: "/id",
    event: "/type",
  }),
  circleci: bodyOnly("CircleCI", VECTORS, versions("circleci-signature"), { id: "/id", event: "/type" }),
  bitbucket: bodyOnly("Bitbucket", RECALLED, { at: "X-Hub-Signature", prefix: PREFIXED }, {
    id: "X-Request-UUID",
    event: "X-Event-Key",
  }),
  jira: bodyOnly("Jira", SOURCE, { at: "X-Hub-Signature", prefix: PREFIXED }, {
    id: "X-Atlassian-Webhook-Identifier",
    event: "/webhookEvent",
  }),
  gitea: bodyOnly("Gitea", SOURCE, { at: "X-Gitea-Signature" }, {
    id: "X-Gitea-Delivery",
    event: "X-Gitea-Event",
  }),
  forgejo: bodyOnly("Forgejo", SOURCE, { at: "X-Forgejo-Signature" }, {
    id: "X-Forgejo-Delivery",
    event: "X-Forgejo-Event",
  }),
  mailgun: {
    title: "Mailgun",
    evidence: DOCUMENTED,
    scheme: {
      signature: { at: "/signature/signature" },
      timestamp: { at: "/signature/timestamp", unit: "s", window: 300 },
      nonce: "/signature/token",
      content: "{t}{nonce}",
      event: "/event-data/event",
    },
    note: "The data of the event is not signed.",
  },
  postmark: carried(
    "Postmark",
    SOURCE,
    { at: "Authorization", prefix: "Basic ", encoding: "base64" },
    { id: "/MessageID", event: "/RecordType" },
  ),
  segment: bodyOnly("Segment", RECALLED, { at: "X-Signature" }, {
    algorithm: "hmac-sha1",
    id: "/messageId",
    event: "/type",
  }),
  customerio: {
    title: "Customer.io",
    evidence: RECALLED,
    scheme: {
      signature: { at: "X-CIO-Signature" },
      timestamp: { at: "X-CIO-Timestamp", unit: "s", window: 300 },
      content: "v0:{t}:{body}",
      id: "/event_id",
      event: "/metric",
    },
  },
  notion: bodyOnly("Notion", SOURCE, { at: "X-Notion-Signature", prefix: PREFIXED }, {
    id: "/id",
    event: "/type",
  }),
  mollie: bodyOnly("Mollie", DOCUMENTED, {
    at: "X-Mollie-Signature",
    items: ",",
    trim: true,
    prefix: PREFIXED,
  }, { id: "/id", event: "/type" }),
  recurly: {
    title: "Recurly",
    evidence: DOCUMENTED,
    scheme: {
      signature: { at: "recurly-signature", items: ",", timeFirst: true },
      timestamp: { field: "time", unit: "ms", window: 300 },
      content: "{t}.{body}",
      event: "/event_type",
    },
  },
  xero: bodyOnly("Xero", DOCUMENTED, { at: "x-xero-signature", encoding: "base64" }),
  intercom: bodyOnly("Intercom", SOURCE, { at: "X-Hub-Signature", prefix: "sha1=" }, {
    algorithm: "hmac-sha1",
    id: "/id",
    event: "/topic",
  }),
  knock: together("Knock", DOCUMENTED, "x-knock-signature", {
    name: "s",
    unit: "ms",
    encoding: "base64",
    event: "/type",
  }),
  nylas: bodyOnly("Nylas", DOCUMENTED, { at: "x-nylas-signature" }, { id: "/id", event: "/type" }),
  dwolla: bodyOnly("Dwolla", RECALLED, { at: "X-Request-Signature-SHA-256" }, { id: "/id", event: "/topic" }),
  webflow: {
    title: "Webflow",
    evidence: SOURCE,
    scheme: {
      signature: { at: "x-webflow-signature" },
      timestamp: { at: "x-webflow-timestamp", unit: "ms", window: 300 },
      content: "{t}:{body}",
      event: "/triggerType",
    },
  },
  woocommerce: bodyOnly("WooCommerce", SOURCE, { at: "X-WC-Webhook-Signature", encoding: "base64" }, {
    id: "X-WC-Webhook-Delivery-ID",
    event: "X-WC-Webhook-Topic",
    topic: "X-WC-Webhook-Topic",
  }),
  revolut: {
    title: "Revolut",
    evidence: DOCUMENTED,
    scheme: {
      signature: versions("Revolut-Signature"),
      timestamp: { at: "Revolut-Request-Timestamp", unit: "ms", window: 300 },
      content: "v1.{t}.{body}",
      event: "/event",
    },
  },
  cashfree: {
    title: "Cashfree",
    evidence: DOCUMENTED,
    scheme: {
      signature: { at: "x-webhook-signature", encoding: "base64" },
      timestamp: { at: "x-webhook-timestamp", unit: "ms" },
      content: "{t}{body}",
      event: "/type",
    },
  },
  clickup: alike(
    bodyOnly("ClickUp", DOCUMENTED, { at: "X-Signature" }, { event: "/event" }),
    "Some events say what has changed, and no more",
  ),
  courier: {
    title: "Courier",
    evidence: SOURCE,
    scheme: {
      signature: { at: "courier-signature", items: ",", pair: "=", name: "signature" },
      timestamp: { field: "t", unit: "text" },
      content: "{t}.{body}",
      event: "/type",
    },
  },
  hookdeck: bodyOnly("Hookdeck", SOURCE, {
    at: ["x-hookdeck-signature", "x-hookdeck-signature-2"],
    encoding: "base64",
  }, { id: "x-hookdeck-eventid" }),
  "cal-com": bodyOnly("Cal.com", SOURCE, { at: "X-Cal-Signature-256" }, { event: "/triggerEvent" }),
  attio: alike(
    bodyOnly("Attio", SOURCE, { at: "attio-signature" }, { id: "idempotency-key" }),
    "An event says what has changed, and no more",
  ),
  vapi: bodyOnly("Vapi", SOURCE, { at: "x-vapi-signature" }, { event: "/message/type" }),
  planetscale: bodyOnly("PlanetScale", SOURCE, { at: "x-planetscale-signature" }, { event: "/event" }),
  firecrawl: bodyOnly("Firecrawl", SOURCE, { at: "x-firecrawl-signature", prefix: PREFIXED }, {
    event: "/type",
  }),
  cursor: bodyOnly("Cursor", SOURCE, { at: "X-Webhook-Signature", prefix: PREFIXED }, { event: "/event" }),
  tailscale: together("Tailscale", SOURCE, "tailscale-webhook-signature"),
  langfuse: together("Langfuse", SOURCE, "x-langfuse-signature", { event: "/type" }),
  retell: together("Retell AI", SOURCE, "x-retell-signature", {
    field: "v",
    name: "d",
    unit: "ms",
    content: "{body}{t}",
    event: "/event",
  }),
  metronome: {
    title: "Metronome",
    evidence: SOURCE,
    scheme: {
      signature: { at: "metronome-webhook-signature" },
      timestamp: { at: ["x-metronome-date", "date"], unit: "http-date", window: 300 },
      content: "{t}\n{body}",
      id: "/id",
      event: "/type",
    },
  },
  plain: bodyOnly("Plain", SOURCE, { at: "plain-request-signature" }, {
    timestamp: { at: "/webhookMetadata/webhookDeliveryAttemptTimestamp", unit: "rfc3339", window: 300 },
    id: "/id",
    event: "/type",
  }),
  infisical: bodyOnly("Infisical", SOURCE, { at: "x-infisical-signature", items: ";" }, { event: "/event" }),
  supabase: alike(
    carried("Supabase", SOURCE, { at: "Authorization", prefix: "Bearer " }, { event: "/type" }),
    "An event says what a row was and is, and no more",
  ),
  chargebee: carried(
    "Chargebee",
    SOURCE,
    { at: "Authorization", prefix: "Basic ", encoding: "base64" },
    { id: "/id", event: "/event_type" },
  ),
  telegram: carried("Telegram", RECALLED, { at: "X-Telegram-Bot-Api-Secret-Token" }, { id: "/update_id" }),
  x: bodyOnly("X", RECALLED, { at: "x-twitter-webhooks-signature", prefix: PREFIXED, encoding: "base64" }),
};
