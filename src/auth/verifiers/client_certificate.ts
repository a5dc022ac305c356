/**
 * The certificate of a client, as the proxy in front has verified it.
 *
 * @module
 */

import { z } from "zod";
import { parseAddress } from "../../io/address.ts";
import type { UnknownClient } from "../client_certificate/client_certificates.ts";
import { canonicalName, parseName } from "../client_certificate/distinguished_name.ts";
import { alternativeName } from "../client_certificate/x509.ts";
import { lazyVerifier } from "../lazy_verifier.ts";
import type { HeadVerifier, Refusal, VerifierKind } from "../verifier.ts";

/** The compiled value of the key `client_certificate`: at least one of both. */
export interface ClientCertificateConfig {
  readonly subject?: string | readonly string[] | undefined;
  readonly san?: string | readonly string[] | undefined;
}

/** Most names of one kind. */
const MAX_NAMES = 100;

const subjectField = z.string().refine((text) => parseName(text) !== undefined, {
  error: "Must be a distinguished name such as CN=billing,O=Acme,C=DE (RFC 4514)",
});

/** A name of another kind would be none that a certificate can have. */
const sanField = z.string().regex(/^[^\s\p{Cc}]+$/u, {
  error: "Must be a host name, an IP address, a URI or an e-mail address",
});

function oneOrMore(field: z.ZodType<string>): z.ZodType<string | readonly string[] | undefined> {
  return z.union([field, z.array(field).min(1).max(MAX_NAMES)], {
    error: "Must be a text, or a list of texts",
  }).optional();
}

const configSchema: z.ZodType<ClientCertificateConfig> = z.strictObject({
  subject: oneOrMore(subjectField).meta({
    description: "The whole subject, as `CN=billing,O=Acme` (RFC 4514), in any order. A list: one of them.",
  }),
  san: oneOrMore(sanField).meta({
    description:
      "An alternative name of the certificate: a host name, a URI such as `spiffe://acme/billing`, an IP address or an e-mail address. A list: one of them.",
  }),
}).refine(({ subject, san }) => subject !== undefined || san !== undefined, {
  error: "Must have 'subject' or 'san': otherwise every certificate of the authority would pass",
}).meta({
  description: "The client's certificate, which a trusted proxy has verified, is that of a certain client.",
});

/** `client_certificate`: the client has a certificate with certain names. */
export const clientCertificate: VerifierKind<ClientCertificateConfig> = {
  key: "client_certificate",
  configSchema,
  example: { subject: "CN=billing,O=Acme", san: "billing.acme.example" },
  needsSetting: "CLIENT_CERTIFICATE_HEADERS",
  notes: [
    "The runtime's server asks clients for no certificate: the proxy in front does, verifies it, and says whose it is",
    "in headers. `CLIENT_CERTIFICATE_HEADERS` says in which, and only proxies of `TRUSTED_PROXIES` are believed: a",
    "request from anybody else, one without a certificate and one with another are answered 403. There is no 401, as",
    "TLS has no challenge of HTTP. With both keys, both have to match. None of these headers goes to outputs.",
    "",
    "The names are read from the certificate itself, where the proxy passes it on: what most proxies write of them has",
    "no escapes, so that whoever chooses one name could add others.",
    "",
    "- `nginx`: `ssl-client-verify: SUCCESS`, and the certificate in `ssl-client-cert`, in PEM as in URLs or in base64.",
    "  Kubernetes' ingress-nginx writes both; for nginx, HAProxy and Caddy the lines stand in",
    "  `docker/proxies/client_certificates/`. Both headers have to be written: clients may write the one that is not.",
    "- `traefik`: `X-Forwarded-Tls-Client-Cert` of the middleware `passTLSClientCert` with `pem: true`, see",
    "  `docker/proxies/client_certificates/traefik.yaml`. `X-Forwarded-Tls-Client-Cert-Info` is not read.",
    "- `envoy`: `X-Forwarded-Client-Cert` with `forward_client_cert_details: SANITIZE_SET` and",
    "  `set_current_client_cert_details: { subject: true, uri: true, dns: true }`, or `cert: true`. A header with",
    "  several elements is refused.",
  ],
  compile: (config) => lazyVerifier("head", verifierOf, config),
};

const OTHER_SUBJECT = refusal("The client's certificate has another subject than 'client_certificate' names");
const OTHER_NAME = refusal(
  "The client's certificate has no alternative name that 'client_certificate' names",
);

function verifierOf({ subject, san }: ClientCertificateConfig): HeadVerifier {
  const subjects = subject === undefined ? undefined : new Set([subject].flat().map(canonicalSubject));
  const names = san === undefined ? undefined : new Set([san].flat().map(typedName));
  return {
    reads: "head",
    verify(request) {
      const client = request.clientCertificates.identify(request);
      if ("reason" in client) return unknownClient(client);
      if (subjects !== undefined && (client.subject === undefined || !subjects.has(client.subject))) {
        return OTHER_SUBJECT;
      }
      return names === undefined || client.alternativeNames.some((name) => names.has(name))
        ? undefined
        : OTHER_NAME;
    },
  };
}

function canonicalSubject(text: string): string {
  return canonicalName(parseName(text)!);
}

/** What kind of name it is shows in how it is written. */
function typedName(text: string): string {
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\/|^urn:/i.test(text)) return alternativeName("uri", text);
  if (parseAddress(text) !== undefined) return alternativeName("ip", text);
  return alternativeName(text.includes("@") ? "email" : "dns", text);
}

/** One refusal for each of the few reasons why it is not known who a client is. */
const unknownClients = new WeakMap<UnknownClient, Refusal>();

function unknownClient(client: UnknownClient): Refusal {
  let known = unknownClients.get(client);
  if (known === undefined) unknownClients.set(client, known = refusal(client.reason));
  return known;
}

function refusal(reason: string): Refusal {
  return { code: "forbidden", reason };
}
