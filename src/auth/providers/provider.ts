/**
 * What a preset says of a provider: how it signs, what that was shown with, and what its users should know.
 *
 * @module
 */

import type { FindEventType } from "../../event/event_type.ts";
import type { SchemeSource } from "../signature/scheme.ts";
import type { FormDocuments } from "../verifier.ts";
import type { CodedScheme } from "./coded/coded_scheme.ts";
import type { KeyedVerifier } from "./keyed/keyed.ts";
import type { KeyedSigner } from "./keyed/signing.ts";

/**
 * What the verdicts were compared with: the provider's own SDK by name and version, vectors that it publishes, its
 * documentation, or the source of another implementation. `recalled`: nothing yet.
 */
export type Evidence =
  | { readonly sdk: string }
  | { readonly by: "vectors" | "documentation" | "source" | "recalled" };

/** A setting beside `secret`, by its name in the configuration. */
export type ProviderSetting =
  | "secondary_secret"
  | "next_secret"
  | "fallback_secret"
  | "key"
  | "algorithm"
  | "merchant_id"
  | "public_key"
  | "base_url"
  | "certificates"
  | "public_keys"
  | "client_id"
  | "client_secret"
  | "api_url"
  | "allowed_hosts"
  | "topics"
  | "webhook_id";

/** The setting that holds what is verified with; `none` where the provider publishes it. */
export type SecretSetting = "secret" | "public_key" | "private_key" | "none";

/** One provider: its scheme as data, or in code where data cannot say it. */
export type Provider = DataProvider | CodedProvider | KeyedProvider;

interface AnyProvider {
  /** As people call it. */
  readonly title: string;
  readonly evidence: Evidence;
  /** What the secret is: of its webhook, or the public key of the provider. @default "secret" */
  readonly secret?: SecretSetting;
  /** Further settings that it takes. */
  readonly settings?: readonly ProviderSetting[];
  /**
   * Where requests name the type of their event: headers and JSON Pointers into the document, the first one that has it
   * counts; or code, where neither can say it. Schemes that are data say it themselves.
   */
  readonly event?: string | readonly string[] | FindEventType;
  /** How it sends documents as forms, where it does: a webhook without `data_type` takes them beside JSON. */
  readonly forms?: FormDocuments;
  /** Whether different events may be signed alike: repeats are delivered, unless `replay` says otherwise. */
  readonly alike?: true;
  /** What users should know, as one or two sentences. */
  readonly note?: string;
}

/** A provider whose scheme is data. */
export interface DataProvider extends AnyProvider {
  /** Or several: the first one counts whose signature a request has. */
  readonly scheme: SchemeSource | readonly [SchemeSource, ...SchemeSource[]];
}

/** A provider whose scheme is code. */
export interface CodedProvider extends AnyProvider {
  readonly coded: CodedScheme;
}

/** A provider that publishes its keys. */
export interface KeyedProvider extends AnyProvider {
  readonly keyed: KeyedVerifier;
  /** Signs as it does, with another key. */
  readonly sign: KeyedSigner;
}

/** Providers by the names that configurations use. */
export type Providers = Readonly<Record<string, Provider>>;
