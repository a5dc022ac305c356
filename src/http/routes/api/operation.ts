/**
 * How a route is described for programs: what `/openapi.json` is made from.
 *
 * @module
 */

import { z } from "zod";
import type { ErrorCode } from "../../../errors.ts";

/** What a request has to show: nothing, an admin token, the token of a channel or of metrics, or what its webhook asks for. */
export type Security = "none" | "admin" | "channel" | "webhook" | "metrics";

/** A body that is sent. */
export interface Content {
  readonly description: string;
  /** Left out where there is no body. */
  readonly type?: string;
  /** Of a JSON body; one with `id` in its meta data is described once. Left out for text. */
  readonly schema?: z.ZodType;
}

/** One method of a route. */
export interface Operation {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "OPTIONS";
  /** The path with its parameters in braces: `/pull/{channel}/ack`. */
  readonly path: string;
  /** The same in every version: programs that are made from the description call it by this name. */
  readonly id: string;
  readonly summary: string;
  readonly security: Security;
  /** The names that the query may have. @default none */
  readonly query?: z.ZodObject;
  /** Headers of the request that matter beside the token. @default none */
  readonly headers?: z.ZodObject;
  /** @default none is read */
  readonly body?: Content;
  /** By status. */
  readonly answers: Readonly<Record<number, Content>>;
  /** Codes of errors, besides those that every request may meet. @default none */
  readonly errors?: readonly ErrorCode[];
}

/** A time as ISO 8601 in UTC. */
export const time = (): z.ZodString => z.string().meta({ format: "date-time" });

/** A number of things. */
export const amount = (): z.ZodInt => z.int().min(0).meta({ maximum: undefined });

/** An answer in JSON. */
export function json(description: string, schema: z.ZodType): Content {
  return { description, type: "application/json", schema };
}

/** A schema that the description has under a name. */
export function named<Schema extends z.ZodType>(id: string, schema: Schema): Schema {
  return schema.meta({ ...schema.meta(), id });
}
