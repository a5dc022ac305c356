/**
 * What connections to services of AWS, and to what speaks like them, have in common: credentials, a region, an
 * endpoint, TLS.
 *
 * @module
 */

import { type Destination, hostDestination } from "../../policy/destination.ts";
import { z } from "zod";
import type { HttpAddress, HttpAddressFault } from "../../schema/addresses.ts";
import { parseHttpBase } from "../../schema/addresses.ts";
import { SYSTEM_TLS, tlsSchema, type TlsSettings } from "../../schema/connection_fields.ts";
import { reportAt, secretField } from "../../schema/fields.ts";

/** Who signs requests. A change of the configuration, of a file or of Vault makes another connection. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials alone. */
  readonly sessionToken: string | undefined;
}

const DEFAULT_REGION = "us-east-1";

/** As it stands in names of hosts and in signatures. */
const REGION = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** What can stand in a header of a request, and so in a signature: visible ASCII. */
const VISIBLE = /^[\x21-\x7e]*$/;

const regionField = z.string().regex(REGION, { error: "Not a region, such as eu-central-1" });

function credentialField(): z.ZodString {
  return secretField(VISIBLE, "A credential of AWS has letters, digits and signs of ASCII alone");
}

/** The keys of a connection that all services have. Make the compiled form of them with {@linkcode compileAws}. */
export const awsConnectionFields = {
  aws_access_key_id: credentialField().meta({
    description: "Id of the access key. `{$AWS_ACCESS_KEY_ID}` takes it from the environment.",
  }),
  aws_secret_access_key: credentialField().meta({ description: "The secret access key." }),
  aws_session_token: credentialField().optional().meta({
    description: "The session token that belongs to temporary credentials.",
  }),
  region: regionField.optional().meta({ description: `The region. Default: \`${DEFAULT_REGION}\`.` }),
  region_name: regionField.optional().meta({ description: "The same as `region`." }),
  endpoint_url: z.string().min(1).optional().meta({
    description:
      "Address of the service, such as `https://minio.example:9000`. Default: that of AWS in the region.",
  }),
  tls: tlsSchema.optional().meta({
    description: "TLS of an `https` endpoint: `ca`, `cert`, `key`, `servername` and `insecure_skip_verify`.",
  }),
} as const;

/** A compiled connection. */
interface Compiled {
  readonly credentials: AwsCredentials;
  readonly region: string;
  /** Its path is `/`. `undefined`: that of AWS in the region. */
  readonly endpoint: HttpAddress | undefined;
  readonly tls: TlsSettings;
}

/** Strict schema of a connection without its `type`, for services that have no other keys. */
export const awsConnectionSchema: z.ZodType<Compiled> = z.strictObject(awsConnectionFields)
  .transform(compileAws);

/** How to reach a service. */
export type AwsConnection = z.output<typeof awsConnectionSchema>;

/** The keys that all services have, as they are configured. */
type Input = z.output<z.ZodObject<typeof awsConnectionFields>>;

const URL_PROBLEMS: Readonly<Record<HttpAddressFault | "query", string>> = {
  incomplete: "Not a complete address, such as https://minio.example:9000",
  scheme: "Only http and https are spoken here",
  credentials: "Credentials do not belong into the address: use aws_access_key_id and aws_secret_access_key",
  query: "The address cannot have a query or a fragment",
};

/** The compiled form, where nothing is wrong; problems are reported. */
export function compileAws(input: Input, issues: z.RefinementCtx): AwsConnection {
  const { region, region_name, endpoint_url, tls } = input;
  if (region !== undefined && region_name !== undefined && region !== region_name) {
    reportAt(issues, "region_name", "region and region_name differ: give one of them");
  }
  const endpoint = endpoint_url === undefined ? undefined : parseEndpoint(endpoint_url, issues);
  if (endpoint?.protocol === "http:" && tls !== undefined) {
    reportAt(issues, "tls", "Is of no use without TLS: endpoint_url begins with http:");
  }
  return {
    credentials: {
      accessKeyId: input.aws_access_key_id,
      secretAccessKey: input.aws_secret_access_key,
      sessionToken: input.aws_session_token,
    },
    region: region ?? region_name ?? DEFAULT_REGION,
    endpoint,
    tls: tls ?? SYSTEM_TLS,
  };
}

function parseEndpoint(text: string, issues: z.RefinementCtx): HttpAddress | undefined {
  const address = parseHttpBase(text);
  if (typeof address === "string") {
    reportAt(issues, "endpoint_url", URL_PROBLEMS[address]);
    return undefined;
  }
  if (address.path !== "/") {
    reportAt(issues, "endpoint_url", "The address cannot have a path: nothing signs it");
  }
  return address;
}

/** Where a service of the connection's is. @param service as names of hosts have it, such as `s3` or `sqs` */
export function endpointOf({ endpoint, region }: AwsConnection, service: string): HttpAddress {
  if (endpoint !== undefined) return endpoint;
  const domain = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  return { protocol: "https:", hostname: `${service}.${region}.${domain}`, port: 443, path: "/" };
}

/** Where a connection leads. @param service as {@linkcode endpointOf} has it */
export function awsDestinations(connection: AwsConnection, service: string): readonly Destination[] {
  const { hostname, port } = endpointOf(connection, service);
  return [hostDestination(hostname, port, "endpoint_url")];
}
