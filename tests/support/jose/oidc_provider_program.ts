/**
 * An OpenID provider of `npm:oidc-provider`: prints where it listens, and issues tokens to the client `shop`. Opaque
 * ones can be asked about by the client `gateway`; those for the resource of its argument are signed.
 */

import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";

const [signedResource] = Deno.args;

const server = createServer();
server.listen(0, "127.0.0.1");
await once(server, "listening");
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
const client = { redirect_uris: [], response_types: [], id_token_signed_response_alg: "ES256" } as const;
const provider = new Provider(url, {
  clients: [
    { ...client, client_id: "shop", client_secret: "shop-secret", grant_types: ["client_credentials"] },
    { ...client, client_id: "gateway", client_secret: "gateway secret:+", grant_types: [] },
  ],
  jwks: { keys: [{ ...key, kty: "EC", use: "sig", alg: "ES256", kid: "key-1" }] },
  scopes: ["orders:read", "orders:write"],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context: unknown, resource: string) => ({
        scope: "orders:read orders:write",
        audience: resource,
        accessTokenFormat: resource === signedResource ? "jwt" : "opaque",
        jwt: { sign: { alg: "ES256" } },
      }),
    },
  },
});
server.on("request", provider.callback());
Deno.stdout.writeSync(new TextEncoder().encode(`listening on ${url}\n`));
