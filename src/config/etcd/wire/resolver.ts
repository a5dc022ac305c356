/**
 * How gRPC channels to etcd find addresses: by {@linkcode configurationNames}. The resolver of `@grpc/grpc-js` looks a
 * name up for every channel, so each attempt at a name that nobody answers for would hold another thread.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/naming.md
 * @module
 */

import { experimental, Metadata, status } from "@grpc/grpc-js";
import { configurationNames } from "../../../io/name_lookups.ts";

/** The scheme of targets that are resolved here: `cwm:host:port`. */
export const RESOLVER_SCHEME = "cwm";

class NameResolver implements experimental.Resolver {
  readonly #target: experimental.GrpcUri;
  readonly #listener: experimental.ResolverListener;
  #hasAsked = false;
  #isDestroyed = false;

  constructor(target: experimental.GrpcUri, listener: experimental.ResolverListener) {
    this.#target = target;
    this.#listener = listener;
  }

  /** Of a host and port, what calls name as their authority. */
  static getDefaultAuthority({ path }: experimental.GrpcUri): string {
    return path;
  }

  /** Once: a channel is closed after its first failure, and the next one asks again. */
  updateResolution(): void {
    if (this.#hasAsked) return;
    this.#hasAsked = true;
    const { host, port = 2379 } = experimental.splitHostPort(this.#target.path)!;
    configurationNames.resolve(host, { all: true }, (error, addresses) => {
      if (this.#isDestroyed) return;
      const endpoints = error === null
        ? experimental.statusOrFromValue(
          addresses.map(({ address }) => ({ addresses: [{ host: address, port }] })),
        )
        : experimental.statusOrFromError<experimental.Endpoint[]>({
          code: status.UNAVAILABLE,
          details: `Name resolution failed for ${host}: ${error.message}`,
          metadata: new Metadata(),
        });
      this.#listener(endpoints, {}, null, "");
    });
  }

  destroy(): void {
    this.#isDestroyed = true;
  }
}

experimental.registerResolver(RESOLVER_SCHEME, NameResolver);
