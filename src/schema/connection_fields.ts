/**
 * Schema fields of connections: hosts, ports, TLS and time-outs.
 *
 * @module
 */

import { z } from "zod";
import { MAX_PORT, withoutBrackets } from "./addresses.ts";
import { booleanField, integerField, numberField } from "./fields.ts";

/** Seconds that something may take at least: less would fail where nothing is wrong. */
const MIN_TIMEOUT_SECONDS = 0.1;

/** A port to connect to, or its decimal text. */
export function portField(): z.ZodType<number> {
  return integerField(1, MAX_PORT);
}

/**
 * A time-out in seconds, fractions included, or its decimal text.
 *
 * @param maximum in seconds
 */
export function timeoutField(maximum: number): z.ZodType<number> {
  return numberField(MIN_TIMEOUT_SECONDS, maximum);
}

/** A name with a port behind it; an IPv6 address has more colons than one. */
const HOST_AND_PORT = /^([^:]*|\[[^\]]*\]):\d*$/;

/** Without what could belong to a URL, a path or no name at all; perhaps in brackets. */
const HOST_ALONE = /^(\[[^\s\p{Cc}[\]/?#@]+\]|[^\s\p{Cc}[\]/?#@]+)$/u;

/**
 * A host name or an IP address with nothing around it. IPv6 addresses may stand in brackets, which are taken
 * off. Whether the host exists shows when it is connected to.
 *
 * @param forUrl what to do with a URL. @default the keys `host` and `port`
 */
export function hostField(
  forUrl = "give the host name alone, and the port as 'port'",
): z.ZodType<string, string> {
  return z.string().superRefine((host, context) => {
    const error = refuseHost(host, forUrl);
    if (error !== undefined) context.addIssue({ code: "custom", message: error });
  }).transform(withoutBrackets);
}

function refuseHost(host: string, forUrl: string): string | undefined {
  if (host === "") return "Must not be empty";
  if (host.includes("://")) return `This is a URL: ${forUrl}`;
  if (HOST_AND_PORT.test(host)) return "This names a port too: give the host alone, and the port as 'port'";
  return HOST_ALONE.test(host) ? undefined : "Not a host name or IP address with nothing around it";
}

const pathField = z.string().min(1);

const tlsKeys = z.strictObject({
  ca: pathField.optional().meta({
    description: "File with the certificate authorities to trust. Default: those of the system.",
  }),
  cert: pathField.optional().meta({ description: "File with the gateway's own certificate; needs `key`." }),
  key: pathField.optional().meta({ description: "File with the key of `cert`." }),
  servername: z.string().min(1).optional().meta({
    description: "The name that the server's certificate must have. Default: the host.",
  }),
  insecure_skip_verify: booleanField().default(false).meta({
    description: "`true`: takes any certificate, so anybody on the way can read and change what is sent.",
  }),
}, {
  error: ({ code }) =>
    code === "invalid_type" ? "Must be true or an object of settings; leave it out for no TLS" : undefined,
}).refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
  error: "cert and key belong together: give both or neither",
});

/** The `tls` key of a connection: `true` is an empty object. Files are in PEM. */
export const tlsSchema = z.preprocess((given) => given === true || given === "true" ? {} : given, tlsKeys)
  .meta({ shortForm: { enum: [true, "true"] } });

/** A parsed `tls` key. */
export type TlsSettings = z.output<typeof tlsSchema>;

/** TLS as it is without a `tls` key: the server's certificate is checked against the system's authorities. */
export const SYSTEM_TLS: TlsSettings = tlsSchema.parse({});
