/**
 * Connections of type `s3`: what may be configured about them.
 *
 * @module
 */

import { z } from "zod";
import { booleanField } from "../../../schema/fields.ts";
import { type AwsConnection, awsConnectionFields, compileAws } from "../connection.ts";

/** How to reach a service. */
export interface S3Connection extends AwsConnection {
  /** Whether the bucket is the first part of the path, and not of the host's name. */
  readonly usesPaths: boolean;
}

/** Strict schema of a connection without its `type`. */
export const s3ConnectionSchema: z.ZodType<S3Connection> = z.strictObject({
  ...awsConnectionFields,
  force_path_style: booleanField().optional().meta({
    description:
      "`true`: the bucket stands in the path, `https://host/bucket/key`. `false`: in the host's name, " +
      "`https://bucket.host/key`. Default: `true` with `endpoint_url`, and `false` at AWS.",
  }),
}).transform(({ force_path_style, ...input }, issues) => ({
  ...compileAws(input, issues),
  usesPaths: force_path_style ?? input.endpoint_url !== undefined,
}));
