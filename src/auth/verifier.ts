/**
 * The verifier contract: one file a verifier, one line in `registry.ts`. A webhook may ask for several;
 * all of them must pass.
 *
 * @module
 */

import type { z } from "zod";
import type { EventTypes } from "../event/event_type.ts";
import type { Challenge, ProviderAnswer } from "./challenges/challenge.ts";
import type { HandshakeNeed, Handshakes } from "./challenges/handshakes.ts";
import type { RequestKey } from "../event/repeat_key.ts";
import type { Destination } from "../policy/destination.ts";
import type { ClientAddressResolver } from "./client_address.ts";
import type { ClientCertificates } from "./client_certificate/client_certificates.ts";
import type { PublicUrlResolver } from "./public_url.ts";
import type { Refusal } from "./refusal.ts";
import type { SenderMemory } from "./sender_memory.ts";
import type { AuthServers } from "./servers/auth_servers.ts";

export type { Refusal };

/** What a verifier may look at. */
export interface RequestToVerify {
  readonly headers: Headers;
  /** The address of the other end of the connection: of the client, or of a proxy. */
  readonly peerAddress: string;
  /** Finds out who is behind the proxies that all webhooks trust. */
  readonly clientAddresses: ClientAddressResolver;
  /** Finds out which URL the sender used, for schemes that sign it. */
  readonly publicUrls: PublicUrlResolver;
  /** Finds out whose certificate the client has, as a proxy has verified it. */
  readonly clientCertificates: ClientCertificates;
  /** As it was sent: case matters. */
  readonly method: string;
  /** What is remembered of requests to the webhook, whatever is changed of its configuration. */
  readonly memory: SenderMemory;
  /** Asks servers that know credentials or publish keys. */
  readonly servers: AuthServers;
  /** The webhook that it is sent to: `namespace/id`. */
  readonly webhook: string;
  /** Keeps the secrets that providers bring. */
  readonly handshakes: Handshakes;
  /** `Host` and the request's target, query included, as they were sent: see `requestTarget`. */
  readonly url: string;
}

/** What a verifier may have besides its check. */
interface Besides {
  /**
   * Whether a request is one of the provider's questions, by its head. Asked of requests whose method the webhook does
   * not take: {@linkcode Verifier.verify} recognises the questions of all others itself.
   */
  isChallenge?(request: RequestToVerify): boolean;
  /**
   * Lets go of what {@linkcode RequestToVerify.servers} shares. Called when no request is under way any more and the
   * webhook has changed, was removed, or the gateway stops. The verifier may be asked again after that: a webhook whose
   * connection was away for a time comes back.
   */
  release?(): void;
}

/** What a verifier finds: a refusal, a question of the provider, or nothing, and then the request passes. */
export type Finding = Refusal | Challenge | undefined;

/** Verifies the head of a request, before its body is read. */
export interface HeadVerifier extends Besides {
  readonly reads: "head";
  /**
   * Returns the refusal, or `undefined` to let the request pass, or the question that it is. A throw counts as a
   * refusal.
   *
   * @throws {UnavailableError} when it cannot be found out at the moment: the sender gets 503
   */
  verify(request: RequestToVerify): Finding | Promise<Finding>;
}

/**
 * What is found of a body: what is found of a head, or by what a repeat of it is recognised, which lets it pass, too.
 */
export type BodyVerdict = Finding | RequestKey;

/**
 * Verifies the exact bytes of the body as sent, before any Content-Encoding is undone. A throw counts as a refusal.
 *
 * @throws {UnavailableError} when it cannot be found out at the moment: the sender gets 503
 */
export type BodyCheck = (body: Uint8Array<ArrayBuffer>) => BodyVerdict | Promise<BodyVerdict>;

/** Whether a verdict lets nobody in. */
export function isRefusal(verdict: BodyVerdict): verdict is Refusal {
  return verdict !== undefined && "code" in verdict;
}

/** Verifies the head and the body. */
export interface BodyVerifier extends Besides {
  readonly reads: "body";
  /**
   * Looks at the head and returns the check that the body has to pass, or the refusal of a head that no
   * body can make good: without a signature the body is never read. A throw counts as a refusal. Or the question that
   * the head alone is.
   *
   * @throws {UnavailableError} when it cannot be found out at the moment: the sender gets 503
   */
  verify(
    request: RequestToVerify,
  ): Refusal | Challenge | BodyCheck | Promise<Refusal | Challenge | BodyCheck>;
}

export type Verifier = HeadVerifier | BodyVerifier;

/** How senders send documents as forms, where they send those beside JSON. */
export interface FormDocuments {
  /** The field that holds the document. Where it is missing, or has no name here, all fields are the document. */
  readonly field?: string;
  /** Whether they come as `multipart/form-data`, and not as `application/x-www-form-urlencoded`. */
  readonly isMultipart?: boolean;
}

/** What the author of a configuration should look at. It keeps nothing from being served. */
export interface Notice {
  /** The key inside of the kind's value; empty for the value as a whole. */
  readonly path: string;
  /** One sentence that shows no secret. */
  readonly message: string;
}

/** A kind of authentication that webhooks can ask for. */
export interface VerifierKind<Config = unknown> {
  /** The webhook's configuration key, for example `hmac`. */
  readonly key: string;
  /**
   * Strict schema of that key's value. An empty secret must be an error here, not at request time. Its `description`
   * says what is verified, and is what the page on authentication begins with.
   */
  readonly configSchema: z.ZodType<Config>;
  /** A value of the key that `cwm check` takes, for the page. */
  readonly example: unknown;
  /** What else there is to know, as lines of Markdown for the page. */
  readonly notes?: readonly string[];
  /** An environment variable without which the kind lets nobody in: while it is not set, the key is a problem. */
  readonly needsSetting?: string;
  /** Further keys of the webhook that the kind reads, with their schemas. They have no effect without its own. */
  readonly keysBeside?: Readonly<Record<string, z.ZodType>>;
  /** The answer to accepted events that the sender wants, unless the webhook has one of its own. @default none */
  accepted?(config: Config): ProviderAnswer | undefined;
  /** The servers that it asks, each with the key inside of its value. @default none */
  servers?(config: Config): readonly Destination[];
  /** Whether the sender is yet to bring its secret, or could have and need not; `undefined` where it never does. */
  handshake?(config: Config): HandshakeNeed | undefined;
  /** What `cwm check` and the log warn of in a valid value. */
  notices?(config: Config): readonly Notice[];
  /**
   * Where the requests of its senders name the type of the event, and which types are handed on; `undefined` where they
   * name none. What is returned for one configuration is shared by webhooks where that is possible.
   *
   * @param beside the webhook's values of {@linkcode keysBeside}
   * @returns or, in one sentence, why what `beside` asks for has no effect
   */
  eventTypes?(
    config: Config,
    beside?: Readonly<Record<string, unknown>>,
  ): EventTypes | { readonly path: string; readonly message: string } | undefined;
  /** How its senders send documents as forms; `undefined` where they do not. Shared by all webhooks of a sender. */
  forms?(config: Config): FormDocuments | undefined;
  /**
   * Does all work that does not depend on the request: decoding keys, preparing answers.
   *
   * @param beside the webhook's values of {@linkcode keysBeside}
   */
  compile(config: Config, beside?: Readonly<Record<string, unknown>>): Verifier;
}
